import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startedServers } from '../../src/config/names.ts';
import { stopServer } from '../../src/index.ts';
import { endProcessTree, sendSignal, startTimeOf, waitForEnd } from '../../src/system/process.ts';
import { outputOf } from '../../src/system/run.ts';
import { type Demo, findDemos, ownerOf } from './folder.ts';

/** The last line of a demo. Programs are installed before it starts: see scripts/setup/machine.sh. */
export const ENDED =
  'The demo has ended: its server, its sshd and its files are gone. Programs that were installed for it stay.';

/** Timeout for the end of a demo. */
const DEMO_END_MS = 60_000;
/** Timeout for the end of one of its processes. */
const PROCESS_END_MS = 5000;

/** Ends every demo of this user, and cleans up those that have crashed. */
export async function endAllDemos(): Promise<number> {
  const demos = findDemos(process.env);
  for (const demo of demos) {
    const owner = ownerOf(demo);
    if (owner && (await sendSignal(owner, 'SIGTERM'))) await waitForEnd(owner, DEMO_END_MS);
    await endDemo(demo);
  }
  console.error(demos.length === 0 ? 'No demo is running.' : ENDED);
  return 0;
}

/** Stops the demo's server, ends its other processes, and removes its folder. */
export async function endDemo(demo: Demo): Promise<void> {
  process.env.XDG_STATE_HOME = demo.state;
  await stopServers();
  for (const pid of await processesOf(demo)) {
    const startTime = await startTimeOf(pid);
    if (startTime !== undefined) await endProcessTree({ pid, startTime }, PROCESS_END_MS);
  }
  rmSync(demo.folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Stops the servers of this state. A second signal does not cancel it: `make` sends each SIGTERM twice. */
export async function stopServers(): Promise<void> {
  for (const { name } of startedServers(process.env))
    await stopServer(name).catch(({ message }: Error) => console.error(message));
}

/**
 * The processes of the demo: keeper and ssh have the folder of their connection in their arguments, sshd and kernels
 * have their file, Jupyter its directory. The user's browser is not one of them, although its page is in the folder.
 */
async function processesOf({ folder, home, state }: Demo): Promise<number[]> {
  const marks = [join(state, 'remote-notebook', 'c', '/'), `-f ${folder}/`, `--notebook-dir=${home}/`];
  const lines = (await outputOf(['ps', '-A', '-ww', '-o', 'pid=,args='])).split('\n');
  return lines
    .filter((line) => marks.some((mark) => line.includes(mark)))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid !== process.pid);
}
