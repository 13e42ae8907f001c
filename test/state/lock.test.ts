import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isHeld, removeLock, withLock } from '../../src/state/lock.ts';
import { type Context, SILENT } from '../../src/system/context.ts';
import { Failure, Interrupted } from '../../src/system/errors.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';

let folder: string;
let file: string;
let lock: string;
let children: ChildProcess[];
let notes: string[];
let context: Context;
beforeEach(() => {
  folder = makeFolder('rn-lock-');
  file = join(folder, 'number');
  lock = `${file}.lock`;
  children = [];
  notes = [];
  context = contextUntil(new AbortController().signal);
  writeFileSync(file, '0');
});
afterEach(async () => {
  for (const child of children) await ended(child, 'SIGKILL');
});

function contextUntil(signal: AbortSignal): Context {
  return { env: process.env, signal, report: { ...SILENT, note: (text) => notes.push(text) } };
}

/** A process that does something while it holds the lock: see under-lock.ts. */
function start(...args: string[]): ChildProcess {
  const program = fileURLToPath(new URL('under-lock.ts', import.meta.url));
  const command = ['--import', import.meta.resolve('tsx'), program, file, ...args];
  const child = spawn(process.execPath, command, { stdio: 'inherit' });
  children.push(child);
  return child;
}

async function ended(child: ChildProcess, end?: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
  if (end) child.kill(end);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? child.signalCode;
}

/** A process that holds the lock. */
async function holder(): Promise<ChildProcess> {
  const child = start('hold');
  await eventually('it has the lock', () => readFileSync(file, 'utf8') === String(child.pid));
  return child;
}

function taken(path = file): Promise<string> {
  return withLock(path, contextUntil(AbortSignal.timeout(60_000)), async () => 'taken');
}

/** Verifies that a process waits as long as the test can wait. */
async function isNeverTaken(path = file, waitMs = 5000): Promise<void> {
  const waiting = withLock(path, contextUntil(AbortSignal.timeout(waitMs)), async () =>
    assert.fail('it got the lock'),
  );
  await assert.rejects(waiting, Interrupted);
}

test('twenty processes that change one file at once lose no change', async () => {
  const all = Array.from({ length: 20 }, () => start('add', '3'));
  assert.deepEqual(new Set(await Promise.all(all.map((child) => ended(child)))), new Set([0]));
  assert.equal(readFileSync(file, 'utf8'), '60');
  assert.deepEqual(readdirSync(folder), ['number'], 'no lock and no half-written file is left');
});

test('twenty processes lose no change when half of them are killed while they hold the lock', async () => {
  const all = Array.from({ length: 20 }, (_, index) => (index % 2 ? start('crash') : start('add', '3')));
  await Promise.all(all.map((child) => ended(child)));
  assert.equal(readFileSync(file, 'utf8'), '40');
  assert.equal(await taken(), 'taken');
  assert.deepEqual(readdirSync(folder), ['number']);
});

test('the lock of a process that was killed is free at once', async () => {
  const killed = await holder();
  await ended(killed, 'SIGKILL');
  assert.ok(!(await isHeld(lock)));
  assert.equal(await taken(), 'taken');
});

test('a waiting process gets the lock when its holder is killed', async () => {
  const killed = await holder();
  const waiting = start('add');
  await ended(killed, 'SIGKILL');
  assert.equal(await ended(waiting), 0);
  assert.equal(readFileSync(file, 'utf8'), String((killed.pid ?? 0) + 1));
});

test('the lock of a suspended process is not taken over', async () => {
  const stopped = await holder();
  stopped.kill('SIGSTOP');
  assert.ok(await isHeld(lock));
  await removeLock(lock, context);
  await isNeverTaken();
  stopped.kill('SIGCONT');
  await ended(stopped, 'SIGKILL');
  assert.equal(await taken(), 'taken');
});

test('if two processes find the same dead lock, the second does not remove the new lock of the first', async () => {
  await ended(await holder(), 'SIGKILL');
  const later = new AbortController();
  const waiting = withLock(file, contextUntil(later.signal), async () =>
    assert.fail('it got the lock of one that lives'),
  );
  waiting.catch(() => {});
  // This is the first one, which removes the lock. The second one has also found it dead and waits.
  await withLock(lock, context, async () => {
    await new Promise(setImmediate);
    rmSync(lock);
    await holder();
  });
  await isNeverTaken(file, 1000);
  later.abort();
  await assert.rejects(waiting, Interrupted);
});

test('a process that is killed while it takes over a dead lock blocks no other', async () => {
  await ended(await holder(), 'SIGKILL');
  symlinkSync(readlinkSync(lock), `${lock}.lock`);
  assert.equal(await taken(), 'taken');
  assert.deepEqual(readdirSync(folder), ['number']);
});

test('a later process with the PID of a killed one does not keep its lock', async () => {
  const killed = await holder();
  const mark = readlinkSync(lock);
  await ended(killed, 'SIGKILL');
  rmSync(lock);
  symlinkSync(mark.replace(` ${killed.pid} `, ` ${process.pid} `), lock);
  assert.equal(await taken(), 'taken');
});

/** Makes a lock as another process would have left it: one word of the mark is changed. Returns the locked path. */
async function leftBy(changed: 'host' | 'machine' | 'boot' | 'container', value: string): Promise<string> {
  const words = (await withLock(file, context, async () => readlinkSync(lock))).split(' ');
  words[['host', 'pid', 'machine', 'boot', 'container'].indexOf(changed)] = value;
  const path = join(folder, changed);
  symlinkSync(words.join(' '), `${path}.lock`);
  return path;
}

test('the mark of a lock is short enough to be stored on a full disk', async () => {
  const mark = await withLock(file, context, async () => readlinkSync(lock));
  assert.ok(mark.length - hostname().length <= 59, mark);
});

test('the lock of another machine or container is not taken over, and after a while its holder and its file are reported', async () => {
  const paths = [
    await leftBy('host', 'elsewhere'),
    await leftBy('machine', 'another'),
    await leftBy('container', '1'),
    join(folder, 'nobody'),
  ];
  mkdirSync(`${paths[3]}.lock`);
  const us = `process ${process.pid} of`;
  const holders = [`${us} elsewhere`, `${us} ${hostname()}`, `${us} ${hostname()}`, 'an unknown process'];
  for (const path of paths) await removeLock(`${path}.lock`, context);
  const over = new AbortController();
  const waiting = paths.map((path) =>
    assert.rejects(
      withLock(path, contextUntil(over.signal), async () => assert.fail('it got the lock')),
      Interrupted,
    ),
  );
  await eventually('each holder is reported', () => notes.length === paths.length);
  over.abort();
  await Promise.all(waiting);
  assert.deepEqual(
    notes.sort(),
    paths
      .map(
        (path, index) =>
          `waiting for ${holders[index]}, which holds the lock; if it has ended, remove ${path}.lock`,
      )
      .sort(),
  );
});

test('a lock from before a restart of this machine is free at once', async () => {
  const path = await leftBy('boot', 'before');
  assert.ok(!(await isHeld(`${path}.lock`)));
  assert.equal(await taken(path), 'taken');
  assert.deepEqual(readdirSync(folder), ['number']);
});

test('a process does not remove a lock that another machine has taken over', async () => {
  await withLock(file, context, async () => {
    rmSync(lock);
    symlinkSync('another', lock);
  });
  assert.equal(readlinkSync(lock), 'another');
});

test('a lock is released when the work under it fails', async () => {
  const failing = withLock(file, context, () => Promise.reject(new Error('failed work')));
  await assert.rejects(failing, /failed work/);
  assert.deepEqual(readdirSync(folder), ['number']);
});

test('waiting for a lock can be interrupted, which does not disturb the holder', async () => {
  const interrupt = new AbortController();
  await withLock(file, context, async () => {
    const waiting = withLock(file, contextUntil(interrupt.signal), async () =>
      assert.fail('it got the lock'),
    );
    interrupt.abort();
    await assert.rejects(waiting, Interrupted);
    assert.ok(await isHeld(lock));
  });
});

test('a lock that cannot be created is a failure of the machine, with the path and the reason', async () => {
  const nowhere = withLock(join(folder, 'missing', 'x'), context, async () => {});
  await assert.rejects(
    nowhere,
    (error) =>
      error instanceof Failure &&
      error.exitStatus === 1 &&
      /cannot lock .*missing\/x: ENOENT/.test(error.message),
  );
});
