import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isHeld, removeLock, withLock } from '../../src/state/lock.ts';
import { Failure, Interrupted } from '../../src/system/errors.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';

let folder: string;
let file: string;
let lock: string;
let children: ChildProcess[];
const { signal } = new AbortController();
beforeEach(() => {
  folder = makeFolder('rn-lock-');
  file = join(folder, 'number');
  lock = `${file}.lock`;
  children = [];
  writeFileSync(file, '0');
});
afterEach(async () => {
  for (const child of children) await ended(child, 'SIGKILL');
});

/** A process that does something under the lock: see under-lock.ts. */
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

/** A process that has the lock. */
async function holder(): Promise<ChildProcess> {
  const child = start('hold');
  await eventually('it has the lock', () => readFileSync(file, 'utf8') === String(child.pid));
  return child;
}

/** Keeps a lock from growing old, which nobody must wait for here. Answers with what ends that. */
function freshened(path = file, ahead = 0): () => void {
  const freshen = () => lutimesSync(`${path}.lock`, new Date(), new Date(Date.now() + ahead));
  freshen();
  const timer = setInterval(() => {
    try {
      freshen();
    } catch {}
  }, 1000);
  return () => clearInterval(timer);
}

function taken(path = file): Promise<string> {
  return withLock(path, AbortSignal.timeout(60_000), async () => 'taken');
}

/** Whoever waits for so long, waits for ever. */
async function isNeverTaken(path = file, waitMs = 13_000): Promise<void> {
  const waiting = withLock(path, AbortSignal.timeout(waitMs), async () => assert.fail('it got the lock'));
  await assert.rejects(waiting, Interrupted);
}

test('twenty processes that change one file at once lose no change', async () => {
  const all = Array.from({ length: 20 }, () => start('add', '3'));
  assert.deepEqual(new Set(await Promise.all(all.map((child) => ended(child)))), new Set([0]));
  assert.equal(readFileSync(file, 'utf8'), '60');
  assert.deepEqual(readdirSync(folder), ['number'], 'no lock and no half-written file is left');
});

test('twenty processes of which half are killed under the lock lose no change', async () => {
  const all = Array.from({ length: 20 }, (_, index) => (index % 2 ? start('crash') : start('add', '3')));
  await Promise.all(all.map((child) => ended(child)));
  assert.equal(readFileSync(file, 'utf8'), '40');
  assert.equal(await taken(), 'taken');
  assert.deepEqual(readdirSync(folder), ['number']);
});

test('the lock of a process that was killed is free at once, however fresh it is', async () => {
  const killed = await holder();
  const end = freshened();
  try {
    await ended(killed, 'SIGKILL');
    assert.ok(!(await isHeld(lock)));
    assert.equal(await taken(), 'taken');
  } finally {
    end();
  }
});

test('who waits for a lock gets it when its holder is killed', async () => {
  const killed = await holder();
  const waiting = start('add');
  const end = freshened();
  try {
    await ended(killed, 'SIGKILL');
    assert.equal(await ended(waiting), 0);
    assert.equal(readFileSync(file, 'utf8'), String((killed.pid ?? 0) + 1));
  } finally {
    end();
  }
});

test('the lock of a process that is stopped is not taken over, however old it is', async () => {
  const stopped = await holder();
  stopped.kill('SIGSTOP');
  const long = new Date(Date.now() - 60_000);
  lutimesSync(lock, long, long);
  assert.ok(await isHeld(lock));
  await removeLock(lock, signal);
  await isNeverTaken();
  stopped.kill('SIGCONT');
  await ended(stopped, 'SIGKILL');
  assert.equal(await taken(), 'taken');
});

test('of two that find the same dead lock the later one leaves what the first has made of it', async () => {
  await ended(await holder(), 'SIGKILL');
  const later = new AbortController();
  const waiting = withLock(file, later.signal, async () => assert.fail('it got the lock of one that lives'));
  waiting.catch(() => {});
  // Here stands the first, which breaks it: the later one has found it dead as well, and waits for that.
  await withLock(lock, signal, async () => {
    await new Promise(setImmediate);
    rmSync(lock);
    await holder();
  });
  await isNeverTaken(file, 1000);
  later.abort();
  await assert.rejects(waiting, Interrupted);
});

test('who was killed while it took over a dead lock is in nobody’s way', async () => {
  await ended(await holder(), 'SIGKILL');
  symlinkSync(readlinkSync(lock), `${lock}.lock`);
  assert.equal(await taken(), 'taken');
  assert.deepEqual(readdirSync(folder), ['number']);
});

test('a later process that has the PID of one that was killed does not keep its lock', async () => {
  const killed = await holder();
  const mark = readlinkSync(lock);
  await ended(killed, 'SIGKILL');
  rmSync(lock);
  symlinkSync(mark.replace(` ${killed.pid} `, ` ${process.pid} `), lock);
  const end = freshened();
  try {
    assert.equal(await taken(), 'taken');
  } finally {
    end();
  }
});

/** Files whose lock a process of another machine has left, which has the same folder: a PID tells nothing of it here. */
async function lockedElsewhere(): Promise<[string, number][]> {
  const mark = await withLock(file, signal, async () => readlinkSync(lock));
  // A clock may go ahead there, or be late.
  return [86_400_000, -86_400_000].map((ahead) => {
    const path = join(folder, `${ahead}`);
    symlinkSync(`elsewhere${mark}`, `${path}.lock`);
    return [path, ahead];
  });
}

test('the lock of a process on another machine is not taken over while it is freshened, whatever the clocks say', async () => {
  const locked = await lockedElsewhere();
  await Promise.all(
    locked.map(([path, ahead]) => {
      const end = freshened(path, ahead);
      return isNeverTaken(path).finally(end);
    }),
  );
});

test('a lock that nobody freshens is taken over, where no process of this machine is named', async () => {
  const locked = await lockedElsewhere();
  for (const [path, ahead] of locked) freshened(path, ahead)();
  mkdirSync(lock);
  assert.deepEqual(await Promise.all([taken(), ...locked.map(([path]) => taken(path))]), [
    'taken',
    'taken',
    'taken',
  ]);
  assert.deepEqual(readdirSync(folder), ['number']);
});

test('who holds a lock freshens it, for those of other machines', async () => {
  await withLock(file, signal, async () => {
    const { mtimeMs } = lstatSync(lock);
    await eventually('it is fresher', () => lstatSync(lock).mtimeMs > mtimeMs);
  });
});

test('a lock that was taken over from elsewhere is not touched by who had it', async () => {
  await withLock(file, signal, async () => {
    rmSync(lock);
    symlinkSync('another', lock);
  });
  assert.equal(readlinkSync(lock), 'another');
});

test('a lock is released when the work under it fails', async () => {
  const failing = withLock(file, signal, () => Promise.reject(new Error('failed work')));
  await assert.rejects(failing, /failed work/);
  assert.deepEqual(readdirSync(folder), ['number']);
});

test('who waits for a lock can be interrupted, and the holder is not disturbed', async () => {
  const interrupt = new AbortController();
  await withLock(file, signal, async () => {
    const waiting = withLock(file, interrupt.signal, async () => assert.fail('it got the lock'));
    interrupt.abort();
    await assert.rejects(waiting, Interrupted);
    assert.ok(await isHeld(lock));
  });
});

test('a lock where none can be made is a failure of the machine, with the path and the reason', async () => {
  const nowhere = withLock(join(folder, 'missing', 'x'), signal, async () => {});
  await assert.rejects(
    nowhere,
    (error) =>
      error instanceof Failure &&
      error.exitStatus === 1 &&
      /cannot lock .*missing\/x: ENOENT/.test(error.message),
  );
});
