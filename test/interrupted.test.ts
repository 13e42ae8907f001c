import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { attempt } from '../src/system/errors.ts';
import { NO_PROC } from './hosts/needs.ts';
import { commandLineOf, processesWith } from './hosts/proc.ts';
import { makeFolder } from './hosts/standing.ts';
import { eventually } from './hosts/world.ts';

/** Programs that use real hosts also remove them when they are interrupted. */

const folder = makeFolder('rn-b-');
const skip = NO_PROC;

/** The PIDs that have the folder for temporary files. */
const processes = () => processesWith(`TMPDIR=${folder}`);
const made = () => readdirSync(folder).filter((name) => name.startsWith('rn-'));

/** Some processes end a moment after the program. */
async function nothingIsLeft(): Promise<void> {
  const left = () => [...made(), ...processes().map((pid) => `${pid}: ${commandLineOf(pid)}`)];
  await eventually('nothing is left', () => left().length === 0).catch(() => assert.deepEqual(left(), []));
}

interface Begun {
  readonly pid: number;
  readonly ended: Promise<number | null>;
  output(): string;
}

/** Runs a program of this folder by Node, in a group of its own. */
function begin(words: readonly string[], env: NodeJS.ProcessEnv = {}): Begun {
  const { NODE_TEST_CONTEXT: _, ...own } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', ...words], {
    env: { ...own, TMPDIR: folder, ...env },
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  return {
    pid: child.pid ?? 0,
    ended: new Promise((resolve) => child.once('exit', resolve)),
    output: () => output,
  };
}

/** Presses Ctrl-C when the bench has reached this point, and returns its exit status. */
async function interruptedBench(what: string, isFarEnough: () => boolean): Promise<number | null> {
  const { pid, ended } = begin(['bench/bench.ts', 'verbs']);
  await eventually(what, isFarEnough, 240_000, 1);
  // To all of its group, as a terminal does.
  process.kill(-pid, 'SIGINT');
  return ended;
}

test('Ctrl-C during the benchmarks ends their host and servers, and removes their folders', {
  skip,
}, async () => {
  // A folder may vanish while it is read.
  const names = () => attempt(() => readdirSync(folder, { recursive: true, encoding: 'utf8' })) ?? [];
  const isConnected = () => names().some((name) => name.endsWith('/control'));
  assert.equal(await interruptedBench('the bench has a connection to its host', isConnected), 130);
  await nothingIsLeft();
});

test('Ctrl-C while the benchmarks create their host leaves nothing behind', { skip }, async () => {
  assert.equal(await interruptedBench('the bench has a folder', () => made().length > 0), 130);
  await nothingIsLeft();
});

test('benchmarks that cannot create their host fail, and leave nothing behind', { skip }, async () => {
  assert.equal(await begin(['bench/bench.ts', 'verbs'], { PATH: '/nowhere' }).ended, 1);
  await nothingIsLeft();
});

for (const [what, signal, group] of [
  ['Ctrl-C ends', 'SIGINT', -1],
  ['is told to end', 'SIGTERM', -1],
  ['is left alone when its runner is killed', 'SIGKILL', 1],
  ['has yet to be read when its runner is killed', 'SIGKILL', 1],
] as const) {
  test(`a test file that ${what} leaves no process, no folder and no account behind`, { skip }, async () => {
    const tests = begin(['--test', 'hosts/waiting.ts']);
    const isFarEnough = () =>
      /yet/.test(what) ? processes().length > 1 : /\bstarted\b/.test(tests.output());
    await eventually('it has begun', isFarEnough, 240_000, 1);
    process.kill(group * tests.pid, signal);
    await tests.ended;
    await nothingIsLeft();
    const [account] = /\brn[0-9a-f]{10}\b/.exec(tests.output()) ?? [];
    if (account) assert.notEqual(spawnSync('id', [account]).status, 0);
  });
}
