import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NO_PROC } from './hosts/needs.ts';
import { makeFolder, untilRemoved } from './hosts/standing.ts';
import { eventually } from './hosts/world.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** The TMPDIR of these demos, in which they find each other. It is short because of the control sockets. */
const place = makeFolder('rn-t-');
const env = childEnvironment();
const demos = untilRemoved({ remove: () => void stopDemos(), removeNow: () => void stopDemos() });
after(() => demos.remove());

function childEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, DISPLAY: __, WAYLAND_DISPLAY: ___, BROWSER: ____, ...rest } = process.env;
  return { ...rest, TMPDIR: place, NO_COLOR: '1' };
}

interface RunningDemo {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  /** Its output so far. */
  output(): string;
}

/** `make demo` in its own process group, like in a shell with job control. */
function startDemo(more: NodeJS.ProcessEnv = {}): RunningDemo {
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

async function readyDemo(
  more: NodeJS.ProcessEnv = {},
): Promise<RunningDemo & { url: string; folder: string }> {
  const demo = startDemo(more);
  await eventually('the demo is ready', () => {
    assert.equal(demo.child.exitCode, null, demo.output());
    return demo.output().includes('Ctrl-C ends the demo');
  });
  const url = /http:\S+token=\S+/.exec(demo.output())?.[0] ?? '';
  const folder = /all of it in (\S+)\./.exec(demo.output())?.[1] ?? '';
  return { ...demo, url, folder };
}

/** Sends a signal to all foreground processes, like a terminal. */
function signalGroup({ child }: RunningDemo, signal: NodeJS.Signals): void {
  process.kill(-(child.pid ?? 0), signal);
}

function stopDemos() {
  return spawnSync('make', ['demo-stop'], { cwd: root, env, encoding: 'utf8' });
}

/** The PIDs of processes with the folder in their arguments or environment. */
function processesOf(folder: string): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) =>
    ['cmdline', 'environ'].some((file) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(folder);
      } catch {
        return false;
      }
    }),
  );
}

function assertNothingIsLeft(folder: string): void {
  assert.match(folder, /rn-demo-/);
  assert.deepEqual(processesOf(folder), []);
  assert.equal(readdirSync(place).includes(folder.slice(place.length + 1)), false);
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, (response) => resolve(response.resume().statusCode)).once('error', reject);
  });
}

const needsProc = { skip: NO_PROC };

for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  test(`make demo starts a server, and ${signal} leaves nothing behind`, needsProc, async () => {
    const demo = await readyDemo();
    assert.equal(await statusOf(demo.url), 200);
    signalGroup(demo, signal);
    await demo.ended;
    // The signal has also ended tsx, which compiles the sources.
    assert.doesNotMatch(demo.output(), /bug/);
    await eventually('the demo has ended', () => processesOf(demo.folder).length === 0);
    assertNothingIsLeft(demo.folder);
  });
}

test('each command that the demo prints can be run in a second terminal', needsProc, async () => {
  const demo = await readyDemo();
  const [path = ''] = /export PATH=.*/.exec(demo.output()) ?? [];
  const commands = [...demo.output().matchAll(/remote-notebook [a-z].*/g)].map(([command]) => command);
  const verbs = commands.map((command) => command.split(' ')[1]);
  assert.deepEqual(verbs, ['start', 'stop', 'status', 'logs']);
  const [start, stop, ...others] = commands;
  for (const command of [start, ...others, stop]) {
    const script = `${path}\n${command}`;
    const { status, stderr } = spawnSync('sh', ['-c', script], { cwd: '/', env, encoding: 'utf8' });
    assert.equal(status, 0, `${command}: ${stderr}`);
  }
  await assert.rejects(statusOf(demo.url));
  signalGroup(demo, 'SIGINT');
  await demo.ended;
  assertNothingIsLeft(demo.folder);
});

/** A browser that records its PID and its page, and runs while this file exists. */
const BROWSER_SCRIPT = `#!/bin/sh
echo "$$ $1" >"$0.new" && mv "$0.new" "$0.saw"
while [ -e "$0" ]; do sleep 0.05; done
`;

test('make demo opens the browser, and SIGINT leaves nothing else behind', needsProc, async () => {
  const BROWSER = join(place, 'browser');
  writeFileSync(BROWSER, BROWSER_SCRIPT, { mode: 0o755 });
  const demo = await readyDemo({ BROWSER });
  assert.equal(await statusOf(demo.url), 200);
  await eventually('the browser is there', () => existsSync(`${BROWSER}.saw`));
  const [pid = '', page] = readFileSync(`${BROWSER}.saw`, 'utf8').trim().split(' ');
  assert.equal(page, `file://${demo.folder}/state/remote-notebook/open-demo.html`);
  signalGroup(demo, 'SIGINT');
  await demo.ended;
  assert.doesNotMatch(demo.output(), /bug/);
  assert.ok(processesOf(demo.folder).includes(Number(pid)));
  rmSync(BROWSER);
  await eventually('the browser has ended', () => processesOf(demo.folder).length === 0);
  assertNothingIsLeft(demo.folder);
});

test('Ctrl-C while the demo starts leaves nothing behind', needsProc, async () => {
  const demo = startDemo();
  await eventually('Jupyter starts', () => {
    assert.equal(demo.child.exitCode, null, demo.output());
    return /✓ launch/.test(demo.output());
  });
  signalGroup(demo, 'SIGINT');
  await demo.ended;
  assert.deepEqual(processesOf(`${place}/`), []);
  const left = readdirSync(place).filter((name) => name.startsWith('rn-'));
  assert.deepEqual(left, []);
});

test('make demo-stop ends two demos that run at once', needsProc, async () => {
  const demos = await Promise.all([readyDemo(), readyDemo()]);
  assert.notEqual(demos[0].url, demos[1].url);
  for (const { url } of demos) assert.equal(await statusOf(url), 200);
  const { status, stderr } = stopDemos();
  assert.equal(status, 0, stderr);
  for (const demo of demos) {
    assert.equal(await demo.ended, 0, demo.output());
    assertNothingIsLeft(demo.folder);
  }
});

test('make demo-stop cleans up after a demo that was killed', needsProc, async () => {
  const demo = await readyDemo();
  signalGroup(demo, 'SIGKILL');
  await demo.ended;
  assert.notDeepEqual(processesOf(demo.folder), []);
  const { status, stderr } = stopDemos();
  assert.equal(status, 0, stderr);
  assertNothingIsLeft(demo.folder);
});

test('make demo-stop also cleans up when the host of a killed demo is gone', needsProc, async () => {
  const demo = await readyDemo();
  const [host = ''] = readdirSync(demo.folder).filter((name) => name.startsWith('rn-host-'));
  const sshd = Number(readFileSync(join(demo.folder, host, 'sshd.pid'), 'utf8'));
  signalGroup(demo, 'SIGKILL');
  process.kill(sshd, 'SIGKILL');
  await demo.ended;
  const { status, stderr } = stopDemos();
  assert.equal(status, 0, stderr);
  assertNothingIsLeft(demo.folder);
});

test('make demo-stop reports when no demo is running', () => {
  const { status, stderr } = stopDemos();
  assert.equal(status, 0);
  assert.match(stderr, /No demo is running\./);
});
