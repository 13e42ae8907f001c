import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Failure, Interrupted } from '../../src/system/errors.ts';
import {
  ensurePrivateFolder,
  makeFolders,
  verifyWritable,
  watchUntil,
  writePrivateFile,
} from '../../src/system/files.ts';
import { makeFolder } from '../hosts/standing.ts';

let folder: string;
beforeEach(() => {
  folder = makeFolder('rn-files-');
});

function mode(path: string): number {
  return statSync(path).mode & 0o777;
}

test('a written file is private and complete, and no temporary file is left', async () => {
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

test('writing to a missing folder is a Failure with the path and the reason', async () => {
  await assert.rejects(
    writePrivateFile(join(folder, 'missing', 'x'), ''),
    (error) =>
      error instanceof Failure &&
      error.exitStatus === 1 &&
      /cannot write .*missing\/x.*ENOENT/.test(error.message),
  );
});

test('a private folder is created with its parents, for its owner only', () => {
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

test('a folder that others can enter, a link and a file are refused, and stay unchanged', () => {
  const open = join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o750);
  mkdirSync(join(folder, 'target'), { mode: 0o700 });
  symlinkSync('target', join(folder, 'link'));
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => ensurePrivateFolder(open), /is open to other users \(mode 750\)/);
  assert.throws(() => ensurePrivateFolder(join(folder, 'link')), /is a symbolic link/);
  assert.throws(() => ensurePrivateFolder(join(folder, 'file')), Failure);
  assert.throws(() => ensurePrivateFolder(join(folder, 'file', 'below')), Failure);
  assert.equal(mode(open), 0o750);
});

test('checking whether a file can be written creates nothing', () => {
  verifyWritable(join(folder, 'new', 'deep', 'file'));
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('nowhere', join(folder, 'dangling'));
  assert.throws(() => verifyWritable(join(folder, 'file', 'below')), Failure);
  assert.throws(() => verifyWritable(join(folder, 'dangling', 'below')), Failure);
  assert.deepEqual(readdirSync(folder).sort(), ['dangling', 'file']);
});

test('a wait in a folder ends at once, after a change, or with its second promise', async () => {
  const { signal } = new AbortController();
  const seen = () => (readdirSync(folder).includes('x') ? 'x' : undefined);
  const waiting = watchUntil(folder, seen, signal);
  writeFileSync(join(folder, 'x'), '');
  assert.equal(await waiting, 'x');
  assert.equal(await watchUntil(folder, seen, signal), 'x');
  assert.equal(await watchUntil(folder, () => undefined, signal, Promise.resolve()), undefined);
});

test('a wait in a folder ends with an interrupt or an error, and does not keep the process running', async () => {
  const interrupt = new AbortController();
  const fail = async () => {
    throw new Error('no look');
  };
  const forever = () => undefined;
  await assert.rejects(watchUntil(folder, fail, interrupt.signal), /no look/);
  await assert.rejects(
    watchUntil(folder, forever, interrupt.signal, Promise.reject(new Error('ended'))),
    /ended/,
  );
  const waiting = watchUntil(folder, forever, interrupt.signal);
  interrupt.abort();
  await assert.rejects(waiting, Interrupted);
  await assert.rejects(watchUntil(folder, forever, interrupt.signal), Interrupted);
  // A watch is closed a moment later.
  await setTimeout(100);
  assert.equal(process.getActiveResourcesInfo().includes('FSEventWrap'), false);
});

test('a folder that cannot be created is a failure with a remedy, not a bug', () => {
  writeFileSync(join(folder, 'file'), '');
  const path = join(folder, 'file', 'folder');
  assert.throws(() => makeFolders(path, 0o700), {
    name: 'Failure',
    message: new RegExp(`^cannot create the folder ${path}: E[A-Z]+: `),
    remedy: `Make ${join(folder, 'file')} writable.`,
  });
});
