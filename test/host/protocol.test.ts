import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXPLANATIONS, reportIn } from '../../src/host/failures.ts';
import {
  FRAMES,
  type Frame,
  lastValue,
  outputReader,
  parseFrame,
  valuesOf,
} from '../../src/host/protocol.ts';
import { serverIn } from '../../src/host/server-record.ts';

const folder = fileURLToPath(new URL('../../src/host/sh', import.meta.url));
const scripts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.sh'))
  .map((name) => readFileSync(join(folder, name), 'utf8').replace(/^ *#.*$/gm, ''))
  .join('\n');

/** The words that this pattern finds in the scripts, each once. */
function wordsOf(pattern: RegExp): string[] {
  return [...new Set([...scripts.matchAll(pattern)].map(([, word = '']) => word))].toSorted();
}

test('the table of frames has exactly the keys that scripts report and records contain', () => {
  // A later version may have written a record: there, a scheduler runs servers.
  const read = /^ *([a-z_ |]+)\) eval "record_/m.exec(scripts)?.[1]?.split(' | ') ?? [];
  const keys = [...new Set([...wordsOf(/\b(?:report|keep) ([a-z_]+)/g), ...read])].toSorted();
  assert.deepEqual(keys, Object.keys(FRAMES).toSorted());
});

test('the table of causes has exactly the causes that scripts report', () => {
  assert.deepEqual(wordsOf(/\bfail ([a-z_]+)/g), Object.keys(EXPLANATIONS).toSorted());
});

function framesOf(...lines: readonly string[]): Frame[] {
  return lines.flatMap((line) => parseFrame(`@remote-notebook ${line}`) ?? []);
}

test('a frame has a key, and its value unchanged', () => {
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

test('a line with an unknown key is not a frame', () => {
  assert.equal(parseFrame('@remote-notebook toString x'), undefined);
  assert.equal(parseFrame('@remote-notebook folders x'), undefined);
});

test('tokens are removed from the lines of a log', () => {
  assert.deepEqual(valuesOf(framesOf('log http://localhost:8888/?token=abc', 'log b'), 'log'), [
    'http://localhost:8888/?token=…',
    'b',
  ]);
});

test('a failure consists of a cause and the frames that explain it', () => {
  const lines = ['where /usr/bin', 'log a', 'log b', 'failed jupyter my own'];
  const log = ['a', 'b'];
  assert.deepEqual(reportIn(framesOf(...lines)), {
    cause: 'jupyter',
    subject: 'my own',
    where: '/usr/bin',
    holder: undefined,
    log,
    over: undefined,
  });
  assert.equal(reportIn(framesOf('failed')).cause, undefined);
  assert.equal(reportIn([]).cause, undefined);
});

test('the output of start-up files is not a frame', () => {
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

test('if a key appears in several frames, the last one applies', () => {
  const frames = framesOf('pid 1', 'log a', 'pid 2');
  assert.equal(lastValue(frames, 'pid'), '2');
  assert.equal(lastValue(frames, 'joined'), undefined);
});

test('no time that a host reports is more than a time: the start of a server is then now', () => {
  const info = '{"pid": 5, "port": 8888, "token": "x"}';
  for (const elapsed of ['99999999999999999999', 'Infinity', '-5', 'soon']) {
    const server = serverIn(framesOf(`server ${info}`, `elapsed ${elapsed}`, 'joined yes'));
    assert.ok(Math.abs(Date.parse(server?.record.startedAt ?? '') - Date.now()) < 60_000, elapsed);
  }
});

test('a line of a log is passed on once and completely, although frames arrive in the middle of it, and with how it ended', () => {
  const seen: string[] = [];
  const read = outputReader(
    ({ key, value }) => void seen.push(`${key} "${value}"`),
    (line, end) => void seen.push(`line "${line}" ${end}`),
  );
  for (const piece of [
    '10%\r20%@remote-notebook alive',
    '\r30%@remote-notebook alive',
    '\r40%',
    '@remote-notebook alive',
  ])
    void read(piece, 'break');
  void read('half', 'cut');
  assert.deepEqual(seen, [
    'alive "10%\r20%"',
    'alive "10%\r20%\r30%"',
    'line "10%\r20%\r30%\r40%" break',
    'alive ""',
    'line "half" cut',
  ]);
});
