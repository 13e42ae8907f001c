import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXPLANATIONS, reportIn } from '../../src/host/failures.ts';
import { FRAMES, type Frame, lastValue, parseFrame, valuesOf } from '../../src/host/protocol.ts';

const folder = fileURLToPath(new URL('../../src/host/sh', import.meta.url));
const scripts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.sh'))
  .map((name) => readFileSync(join(folder, name), 'utf8').replace(/^ *#.*$/gm, ''))
  .join('\n');

/** The words of the scripts that this pattern finds, each once. */
function said(pattern: RegExp): string[] {
  return [...new Set([...scripts.matchAll(pattern)].map(([, word = '']) => word))].toSorted();
}

test('the table of frames has each key that a script sends, and each of a record, and no other', () => {
  // A record may be of a later version, by which a scheduler runs servers.
  const read = /^ *([a-z_ |]+)\) eval "record_/m.exec(scripts)?.[1]?.split(' | ') ?? [];
  const keys = [...new Set([...said(/\b(?:report|keep) ([a-z_]+)/g), ...read])].toSorted();
  assert.deepEqual(keys, Object.keys(FRAMES).toSorted());
});

test('the table of causes has each by which a script fails, and no other', () => {
  assert.deepEqual(said(/\bfail ([a-z_]+)/g), Object.keys(EXPLANATIONS).toSorted());
});

function framesOf(...lines: readonly string[]): Frame[] {
  return lines.flatMap((line) => parseFrame(`@remote-notebook ${line}`) ?? []);
}

test('a frame is a line of ours: its key, and its value as it is', () => {
  assert.deepEqual(parseFrame('@remote-notebook folder /home/my folder '), {
    key: 'folder',
    value: '/home/my folder ',
  });
  assert.deepEqual(parseFrame('@remote-notebook absent'), { key: 'absent', value: '' });
  assert.deepEqual(parseFrame('@remote-notebook server {"a": "b c"}'), {
    key: 'server',
    value: '{"a": "b c"}',
  });
});

test('a key that no script has is no frame', () => {
  assert.equal(parseFrame('@remote-notebook toString x'), undefined);
  assert.equal(parseFrame('@remote-notebook folders x'), undefined);
});

test('what a frame quotes of a log is without its tokens', () => {
  assert.deepEqual(valuesOf(framesOf('log http://localhost:8888/?token=abc', 'log b'), 'log'), [
    'http://localhost:8888/?token=…',
    'b',
  ]);
});

test('a failure is reported with its cause, and what is said with that', () => {
  const told = ['where /usr/bin', 'log a', 'log b', 'failed jupyter my own'];
  const log = ['a', 'b'];
  assert.deepEqual(reportIn(framesOf(...told)), {
    cause: 'jupyter',
    subject: 'my own',
    where: '/usr/bin',
    holder: undefined,
    log,
  });
  assert.equal(reportIn(framesOf('failed')).cause, undefined);
  assert.equal(reportIn([]).cause, undefined);
});

test('what the start-up files of a login shell print is no frame', () => {
  for (const line of [
    '',
    'Welcome to gpu!',
    '@remote-notebook',
    '@remote-notebookfolder x',
    ' @remote-notebook folder x',
    'echo @remote-notebook folder x',
    '@remote-notebook  folder',
  ]) {
    assert.equal(parseFrame(line), undefined, line);
  }
});

test('of frames with one key the last counts', () => {
  const frames = framesOf('pid 1', 'log a', 'pid 2');
  assert.equal(lastValue(frames, 'pid'), '2');
  assert.equal(lastValue(frames, 'joined'), undefined);
});
