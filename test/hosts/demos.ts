import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { factOf } from './proc.ts';
import { signalQuietly } from './signal.ts';
import { makeFolder, untilRemoved } from './standing.ts';
import { eventually } from './world.ts';

/** Demos as `make demo` starts them. They are ended after the tests of a file. */

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The TMPDIR of these demos, in which they find each other. It is short because of the control sockets. */
export const place = makeFolder('rn-t-');
export const env = childEnvironment();
const demos = untilRemoved({ remove: () => void stopDemos(), removeNow: () => void stopDemos() });
after(() => demos.remove());

function childEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, DISPLAY: __, WAYLAND_DISPLAY: ___, BROWSER: ____, ...rest } = process.env;
  return { ...rest, TMPDIR: place, NO_COLOR: '1' };
}

const URL_WITH_TOKEN = /http:\S+token=\S+/;

interface RunningDemo {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  /** Its output so far. */
  output(): string;
}

/** `make demo` in its own process group, like in a shell with job control. */
export function startDemo(more: NodeJS.ProcessEnv = {}): RunningDemo {
  const child = spawn('make', ['demo'], {
    cwd: root,
    env: { ...env, ...more },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, output: () => output };
}

interface ReadyDemo extends RunningDemo {
  readonly url: string;
  readonly folder: string;
}

export async function readyDemo(more: NodeJS.ProcessEnv = {}): Promise<ReadyDemo> {
  const demo = startDemo(more);
  await eventually(
    'the demo is ready',
    () => {
      assert.equal(demo.child.exitCode, null, demo.output());
      // Standard output and standard error come by two pipes.
      return demo.output().includes('Ctrl-C ends the demo') && URL_WITH_TOKEN.test(demo.output());
    },
    240_000,
  );
  const url = URL_WITH_TOKEN.exec(demo.output())?.[0] ?? '';
  const folder = /all of it in (\S+)\./.exec(demo.output())?.[1] ?? '';
  return { ...demo, url, folder };
}

/** Sends a signal to all foreground processes, like a terminal. */
export function signalGroup({ child }: RunningDemo, signal: NodeJS.Signals): void {
  process.kill(-(child.pid ?? 0), signal);
}

/** Sends a signal like a terminal, and then to the demo alone: `make` does that once more at a SIGTERM, at any moment. */
export async function signalUntilEnded(demo: RunningDemo, signal: NodeJS.Signals): Promise<void> {
  const { stdout } = spawnSync('pgrep', ['-P', String(demo.child.pid)], { encoding: 'utf8' });
  const [pid] = stdout.split('\n').map(Number);
  assert.ok(pid);
  let isOver = false;
  void demo.ended.then(() => {
    isOver = true;
  });
  signalGroup(demo, signal);
  while (!isOver) {
    await setTimeout(100);
    signalQuietly(pid, signal);
  }
}

export function stopDemos() {
  return spawnSync('make', ['demo-stop'], { cwd: root, env, encoding: 'utf8' });
}

/** The PIDs of processes with the folder in their arguments or environment. */
export function processesOf(folder: string): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) =>
    (['cmdline', 'environ'] as const).some((file) => factOf(pid, file).includes(folder)),
  );
}

/** Waits until no process is left with the folder in its arguments or environment: some end a moment after the demo. */
async function untilEnded({ folder, output }: ReadyDemo): Promise<void> {
  const isEnded = () => processesOf(folder).length === 0;
  await eventually('the demo has ended', isEnded).catch(({ message }: Error) => {
    const pids = processesOf(folder).join(',');
    const { stdout } = spawnSync('ps', ['-o', 'pid,ppid,stat,etime,args', '-p', pids], { encoding: 'utf8' });
    throw new Error(`${message}:\n${stdout}${output()}`);
  });
}

export async function assertNothingIsLeft(demo: ReadyDemo): Promise<void> {
  assert.match(demo.folder, /rn-demo-/);
  await untilEnded(demo);
  assert.equal(readdirSync(place).includes(demo.folder.slice(place.length + 1)), false);
}

/** The HTTP status of the page, to which the top page leads. */
export async function statusOf(url: string): Promise<number> {
  return (await fetch(url)).status;
}
