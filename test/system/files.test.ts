import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Interrupted, UsageError } from '../../src/system/errors.ts';
import { ensurePrivateFolder, verifyWritable, withLock, writePrivateFile } from '../../src/system/files.ts';

let folder: string;
const { signal } = new AbortController();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rn-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function mode(path: string): number {
  return statSync(path).mode & 0o777;
}

/** Starts a process that adds one to the number in `file`, so often; its exit status is awaited. */
async function increment(file: string, times: number): Promise<number> {
  const program = fileURLToPath(new URL('increment.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), program, file, String(times)],
    {
      stdio: 'inherit',
    },
  );
  const [code] = await once(child, 'exit');
  return code;
}

test('twenty processes that change one file at once lose no change', async () => {
  const file = join(folder, 'number');
  writeFileSync(file, '0');
  const codes = await Promise.all(Array.from({ length: 20 }, () => increment(file, 3)));
  assert.deepEqual(new Set(codes), new Set([0]));
  assert.equal(readFileSync(file, 'utf8'), '60');
  assert.deepEqual(readdirSync(folder), ['number'], 'no lock and no half-written file is left');
});

test('a lock is released when the work under it fails', async () => {
  const file = join(folder, 'x');
  await assert.rejects(
    withLock(file, signal, () => Promise.reject(new Error('failed work'))),
    /failed work/,
  );
  assert.equal(await withLock(file, signal, async () => 'next'), 'next');
});

test('who waits for a lock can be interrupted, and the holder is not disturbed', async () => {
  const file = join(folder, 'x');
  const interrupt = new AbortController();
  await withLock(file, signal, async () => {
    const waiting = withLock(file, interrupt.signal, async () => assert.fail('it got the lock'));
    interrupt.abort();
    await assert.rejects(waiting, Interrupted);
    assert.ok(existsSync(`${file}.lock`));
  });
});

test('the lock of a process that crashed is taken over', async () => {
  const file = join(folder, 'x');
  mkdirSync(`${file}.lock`);
  const long = new Date(Date.now() - 60_000);
  utimesSync(`${file}.lock`, long, long);
  assert.equal(await withLock(file, signal, async () => 'taken'), 'taken');
});

test('the lock of a process that crashed is taken over, though the clock has been set back since', async () => {
  const file = join(folder, 'x');
  mkdirSync(`${file}.lock`);
  const later = new Date(Date.now() + 86_400_000);
  utimesSync(`${file}.lock`, later, later);
  const giveUp = AbortSignal.timeout(60_000);
  assert.equal(await withLock(file, giveUp, async () => 'taken'), 'taken');
});

test('a lock that its holder freshens is not taken over, whatever the clock says', async () => {
  const file = join(folder, 'x');
  mkdirSync(`${file}.lock`);
  const ahead = 86_400_000;
  const freshen = () => utimesSync(`${file}.lock`, new Date(), new Date(Date.now() + ahead));
  freshen();
  const holder = setInterval(freshen, 1000);
  try {
    await assert.rejects(
      withLock(file, AbortSignal.timeout(13_000), async () => assert.fail('it got the lock')),
      Interrupted,
    );
  } finally {
    clearInterval(holder);
  }
});

test('a file that is written is for its owner alone, whole, and nothing else is left', async () => {
  for (const umask of [0o000, 0o077]) {
    const before = process.umask(umask);
    try {
      const file = join(folder, `umask-${umask}`);
      await writePrivateFile(file, 'first');
      chmodSync(file, 0o644);
      await writePrivateFile(file, 'second');
      assert.deepEqual([readFileSync(file, 'utf8'), mode(file)], ['second', 0o600]);
    } finally {
      process.umask(before);
    }
  }
  assert.deepEqual(readdirSync(folder), ['umask-0', 'umask-63']);
});

test('a file in a folder that is not there is a mistake of the user, with the path and the reason', async () => {
  await assert.rejects(
    writePrivateFile(join(folder, 'missing', 'x'), ''),
    (error) => error instanceof UsageError && /cannot write .*missing\/x.*ENOENT/.test(error.message),
  );
});

test('a private folder is made with all above it, for its owner alone', () => {
  for (const umask of [0o000, 0o077]) {
    const before = process.umask(umask);
    try {
      const path = join(folder, `a${umask}`, 'b');
      ensurePrivateFolder(path);
      ensurePrivateFolder(path);
      assert.equal(mode(path), 0o700);
    } finally {
      process.umask(before);
    }
  }
});

test('a folder that others can enter, a link and a file are refused, and stay as they are', () => {
  const open = join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o750);
  mkdirSync(join(folder, 'target'), { mode: 0o700 });
  symlinkSync('target', join(folder, 'link'));
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => ensurePrivateFolder(open), /is open to other users \(mode 750\)/);
  assert.throws(() => ensurePrivateFolder(join(folder, 'link')), /is a symbolic link/);
  assert.throws(() => ensurePrivateFolder(join(folder, 'file')), UsageError);
  assert.throws(() => ensurePrivateFolder(join(folder, 'file', 'below')), UsageError);
  assert.equal(mode(open), 0o750);
});

test('whether a file could be written is known without a trace', () => {
  verifyWritable(join(folder, 'new', 'deep', 'file'));
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('nowhere', join(folder, 'dangling'));
  assert.throws(() => verifyWritable(join(folder, 'file', 'below')), UsageError);
  assert.throws(() => verifyWritable(join(folder, 'dangling', 'below')), UsageError);
  assert.deepEqual(readdirSync(folder).sort(), ['dangling', 'file']);
});
