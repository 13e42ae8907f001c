import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { makeSpec } from '../../src/model/server-spec.ts';
import {
  NO_FORWARDS,
  readRecords,
  readState,
  type ServerRecord,
  updateRecords,
  updateState,
  withoutRecord,
  withRecord,
  withStopped,
} from '../../src/state/records.ts';
import { withServerLock } from '../../src/state/server-lock.ts';
import { type Context, quietContext, SILENT } from '../../src/system/context.ts';
import { makeFolder } from '../hosts/standing.ts';

let folder: string;
let notes: string[];
let context: Context;
beforeEach(() => {
  folder = makeFolder('rn-state-');
  notes = [];
  const note = (text: string) => notes.push(text);
  context = { ...quietContext({ XDG_STATE_HOME: folder }), report: { ...SILENT, note } };
});

function file(): string {
  return join(folder, 'remote-notebook', 'state.json');
}

/** A record with a value in each field. */
function record(name: string): ServerRecord {
  const settings = { destination: 'gpu', directory: "it's", localPort: 7000, strictPort: true };
  return {
    spec: makeSpec(name, { ...settings, sshConfig: '/ssh_config' }),
    jupyter: {
      identity: { kind: 'process', node: 'gpu', pid: 4321, startTime: '12345' },
      startedAt: '2026-01-01T00:00:00.000Z',
      folder: '/home/me/.local/state/remote-notebook/servers/x-1',
      directory: "/home/me/it's",
      command: 'jupyter lab',
      port: 8889,
      socket: undefined,
      version: '2.15.0',
      baseUrl: '/',
      secure: false,
      token: 'secret',
      adopted: false,
    },
    forwards: {
      own: { bindAddress: '127.0.0.1', localPort: 7000, target: '127.0.0.1:8889' },
      further: [{ bindAddress: '0.0.0.0', localPort: 6006, target: 'localhost:6006' }],
    },
  };
}

/** A value as JSON stores it: without undefined fields. */
function written(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

test('without a state file there are no records, and reading creates no file', () => {
  assert.deepEqual(readRecords(context), {});
  assert.deepEqual(readdirSync(folder), []);
});

test('every field that is written is read again', async () => {
  const { spec } = record('b');
  const state = {
    servers: { a: record('a') },
    article: { b: { spec, tunnel: { pid: 9, startTime: '1' } } },
    stopped: { c: record('c').spec },
  };
  await updateState(context, () => state);
  assert.deepEqual(written(readState(context)), written({ version: 1, ...state }));
});

test("a change of the servers keeps the article's servers", async () => {
  const article = { b: { spec: record('b').spec, tunnel: undefined } };
  await updateState(context, (state) => ({ ...state, article }));
  await updateRecords(context, (records) => withRecord(records, record('a')));
  assert.deepEqual(written(readState(context).article), written(article));
});

test('a stopped server that runs again is no longer among the stopped ones', async () => {
  await updateState(context, (state) => withStopped(withStopped(state, record('a').spec), record('b').spec));
  assert.deepEqual(Object.keys(readState(context).stopped), ['a', 'b']);
  await updateRecords(context, (records) => withRecord(records, record('a')));
  assert.deepEqual(Object.keys(readState(context).stopped), ['b']);
});

test('one name never has two records, one of them with --plain', async () => {
  const { spec } = record('b');
  const article = { b: { spec, tunnel: undefined } };
  await updateState(context, (state) => ({ ...state, article }));
  await assert.rejects(
    updateRecords(context, (records) => withRecord(records, record('b'))),
    /"b" has just been started twice, with and without --plain/,
  );
  assert.deepEqual(readRecords(context), {});
});

test('a record is replaced and removed by its name', async () => {
  await updateRecords(context, (records) => withRecord(withRecord(records, record('a')), record('b')));
  await updateRecords(context, (records) => withRecord(records, { ...record('a'), forwards: NO_FORWARDS }));
  assert.deepEqual(readRecords(context).a?.forwards, { further: [] });
  await updateRecords(context, (records) => withoutRecord(records, 'a'));
  assert.deepEqual(Object.keys(readRecords(context)), ['b']);
});

test('the state holds tokens: its folder is 0700 and its file 0600, whatever the umask', async () => {
  for (const umask of [0o000, 0o077]) {
    const before = process.umask(umask);
    try {
      await updateRecords(context, (records) => withRecord(records, record('a')));
    } finally {
      process.umask(before);
    }
    const modes = [join(folder, 'remote-notebook'), file()].map((path) => statSync(path).mode & 0o777);
    assert.deepEqual(modes, [0o700, 0o600]);
    rmSync(join(folder, 'remote-notebook'), { recursive: true });
  }
});

test('a change that fails keeps the file, and does not block the next one', async () => {
  await updateRecords(context, (records) => withRecord(records, record('a')));
  const before = readFileSync(file(), 'utf8');
  const broken = updateRecords(context, () => {
    throw new Error('broken change');
  });
  await assert.rejects(broken, /broken change/);
  assert.equal(readFileSync(file(), 'utf8'), before);
  await updateRecords(context, (records) => withRecord(records, record('b')));
  assert.deepEqual(Object.keys(readRecords(context)), ['a', 'b']);
});

/** Possible content of the file after a crash, or an edit by another program or a user. */
const BROKEN = [
  '',
  '{',
  'null',
  '[]',
  '{"version": 1}',
  '{"version": 1, "servers": {"a": {}}}',
  '{"version": 0}',
];

for (const text of BROKEN) {
  test(`a state file with ${text || 'nothing in it'} is renamed and reported, so nothing is lost`, () => {
    mkdirSync(join(folder, 'remote-notebook'), { mode: 0o700 });
    writeFileSync(file(), text);
    assert.deepEqual(readRecords(context), {});
    const [aside = '', ...others] = readdirSync(join(folder, 'remote-notebook'));
    assert.deepEqual(others, []);
    assert.equal(readFileSync(join(folder, 'remote-notebook', aside), 'utf8'), text);
    assert.equal(notes.length, 1);
    assert.ok(notes[0]?.includes(aside), notes[0]);
    assert.deepEqual(readRecords(context), {});
  });
}

test('the state file of a newer version is not changed', () => {
  mkdirSync(join(folder, 'remote-notebook'), { mode: 0o700 });
  writeFileSync(file(), '{"version": 2, "servers": {}}');
  assert.throws(() => readRecords(context), /was written by a newer remote-notebook \(version 2\)/);
  assert.deepEqual(readdirSync(join(folder, 'remote-notebook')), ['state.json']);
});

test('commands for one server run one after the other, those for two servers at the same time', async () => {
  const events: string[] = [];
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let begun = () => {};
  const inside = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const first = withServerLock('a', context, async () => {
    begun();
    await gate;
    events.push('first');
  });
  await inside;
  const second = withServerLock('a', context, async () => {
    events.push('second');
  });
  await withServerLock('b', context, async () => {
    events.push('other');
  });
  letGo();
  await Promise.all([first, second]);
  assert.deepEqual(events, ['other', 'first', 'second']);
});

test('what a killed command left of the state file, tokens included, is removed by the next change', async () => {
  const neighbours = ['state.json.bak', 'state.json.broken-123', 'other.json.123'];
  await updateRecords(context, (records) => records);
  for (const name of ['state.json.1313528172', ...neighbours])
    writeFileSync(join(folder, 'remote-notebook', name), '{');
  await updateRecords(context, (records) => records);
  const names = readdirSync(join(folder, 'remote-notebook'));
  assert.deepEqual(names.toSorted(), ['state.json', ...neighbours].toSorted());
});
