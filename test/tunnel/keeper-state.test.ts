import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { startTimeOf } from '../../src/system/process.ts';
import { keeperState, parseKeeperState, readKeeperState } from '../../src/tunnel/keeper.ts';
import { makeFolder } from '../hosts/standing.ts';

let folder: string;
beforeEach(() => {
  folder = makeFolder('rn-keeper-');
});

function write(...lines: string[]): void {
  writeFileSync(join(folder, 'state'), `${lines.join('\n')}\n`);
}

/** This test's own process: one that lives. */
async function alive(): Promise<string> {
  return `${process.pid} ${await startTimeOf(process.pid)}`;
}

/** The same PID, at another time: one that is gone. */
const GONE = `${process.pid} 1`;

test('each line that the keeper writes is read, and forwards as often as there are', () => {
  assert.deepEqual(
    parseKeeperState(`state connected
keeper 11 100
ssh 12 Mon Nov 23 10:00:00 2026
since 1700000000
looked 3
up 127.0.0.1:8889:127.0.0.1:8889
up 127.0.0.1:6006:localhost:6006
down 127.0.0.1:80:localhost:80
said bind: Permission denied
`),
    {
      word: 'connected',
      keeper: { pid: 11, startTime: '100' },
      ssh: { pid: 12, startTime: 'Mon Nov 23 10:00:00 2026' },
      since: 1700000000,
      tries: undefined,
      nextTry: undefined,
      up: ['127.0.0.1:8889:127.0.0.1:8889', '127.0.0.1:6006:localhost:6006'],
      down: ['127.0.0.1:80:localhost:80'],
      looked: 3,
      said: 'bind: Permission denied',
    },
  );
});

test('a pause tells which try comes next, and when', () => {
  const { word, tries, nextTry } = parseKeeperState(
    'state reconnecting\nkeeper 11 1\ntry 4\nnext 1700000008\n',
  );
  assert.deepEqual([word, tries, nextTry], ['reconnecting', 4, 1700000008]);
});

test('an empty or foreign file is no connection', () => {
  for (const text of ['', 'nonsense\n', '\n\n']) {
    const { word, keeper, up } = parseKeeperState(text);
    assert.deepEqual([word, keeper, up], ['failed', undefined, []]);
  }
});

test('a connection that never was has no state', async () => {
  assert.equal(readKeeperState({ folder: join(folder, 'nowhere') }), undefined);
  assert.equal(await keeperState({ folder: join(folder, 'nowhere') }), undefined);
});

test('connected counts while keeper and ssh live', async () => {
  write('state connected', `keeper ${await alive()}`, `ssh ${await alive()}`);
  assert.equal((await keeperState({ folder }))?.word, 'connected');
});

test('an ssh that has just died is being reconnected', async () => {
  write('state connected', `keeper ${await alive()}`, `ssh ${GONE}`);
  assert.equal((await keeperState({ folder }))?.word, 'reconnecting');
});

test('the word of a keeper that was killed counts no more, though another process has its PID', async () => {
  write('state connected', `keeper ${GONE}`, `ssh ${await alive()}`);
  assert.equal(await keeperState({ folder }), undefined);
});

test('the last word of a keeper that gave up stands', async () => {
  for (const word of ['needs-login', 'failed']) {
    write(`state ${word}`, `keeper ${GONE}`, 'said Permission denied (publickey).');
    const state = await keeperState({ folder });
    assert.deepEqual([state?.word, state?.said], [word, 'Permission denied (publickey).']);
  }
});
