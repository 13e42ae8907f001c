import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../src/main.ts';
import { endProcessTree, sendSignal, startTimeOf, waitForEnd } from '../../src/system/process.ts';
import { outputOf } from '../../src/system/run.ts';
import { type Demo, findDemos, ownerOf } from './folder.ts';

/** How long a demo gets to end by itself. */
const OWNER_END_MS = 60_000;
/** How long one of its processes gets. */
const GRACE_MS = 5000;

/** Ends every demo of this user, and what a crash has left of one. */
export async function endAllDemos(): Promise<number> {
  const demos = findDemos(process.env);
  for (const demo of demos) {
    const owner = ownerOf(demo);
    if (owner && (await sendSignal(owner, 'SIGTERM'))) await waitForEnd(owner, OWNER_END_MS);
    await endDemo(demo);
  }
  console.error(demos.length === 0 ? 'No demo runs.' : 'No demo runs any more, and nothing is left of it.');
  return 0;
}

/** Reads what the end needs: Ctrl-C also ends what compiles these sources, and `stop` reads late what it does. */
export async function prepareEnd(): Promise<void> {
  await Promise.all([
    import('../../src/config/resolve.ts'),
    import('../../src/lifecycle/stop.ts'),
    import('../../src/commands/busy.ts'),
  ]);
}

/** Stops the server as a user does, then whatever of the demo still runs, and removes its folder. */
export async function endDemo(demo: Demo): Promise<void> {
  process.env.XDG_STATE_HOME = demo.state;
  for (const name of serversOf(demo)) await main(['stop', name]);
  for (const pid of await processesOf(demo)) {
    const startTime = await startTimeOf(pid);
    if (startTime !== undefined) await endProcessTree({ pid, startTime }, GRACE_MS);
  }
  rmSync(demo.folder, { recursive: true, force: true, maxRetries: 5 });
}

/** The names in the demo's state: none after a `stop` in the second terminal. */
function serversOf({ state }: Demo): string[] {
  try {
    const text = readFileSync(join(state, 'remote-notebook', 'state.json'), 'utf8');
    return Object.keys((JSON.parse(text) as { servers: object }).servers);
  } catch {
    return [];
  }
}

/**
 * What runs for this demo, known by its arguments: keeper and ssh by the folder of their connection, sshd and
 * kernels by their file, Jupyter by its directory. Not the user's browser, whose page lies in the folder, too.
 */
async function processesOf({ folder, home, state }: Demo): Promise<number[]> {
  const marks = [join(state, 'remote-notebook', 'c', '/'), `-f ${folder}/`, `--notebook-dir=${home}/`];
  const lines = (await outputOf(['ps', '-A', '-ww', '-o', 'pid=,args='])).split('\n');
  return lines
    .filter((line) => marks.some((mark) => line.includes(mark)))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid !== process.pid);
}
