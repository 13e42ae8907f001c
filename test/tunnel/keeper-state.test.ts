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
message bind: Permission denied
`),
    {
      phase: 'connected',
      keeper: { pid: 11, startTime: '100' },
      ssh: { pid: 12, startTime: 'Mon Nov 23 10:00:00 2026' },
      since: 1700000000,
      tries: undefined,
      nextTry: undefined,
      up: ['127.0.0.1:8889:127.0.0.1:8889', '127.0.0.1:6006:localhost:6006'],
      down: ['127.0.0.1:80:localhost:80'],
      looked: 3,
      message: 'bind: Permission denied',
    },
  );
});

test('the state during a pause has the number and the time of the next try', () => {
  const { phase, tries, nextTry } = parseKeeperState(
    'state reconnecting\nkeeper 11 1\ntry 4\nnext 1700000008\n',
  );
  assert.deepEqual([phase, tries, nextTry], ['reconnecting', 4, 1700000008]);
});

test('an empty or invalid state file is not a connection', () => {
  for (const text of ['', 'nonsense\n', '\n\n']) {
    const { phase, keeper, up } = parseKeeperState(text);
    assert.deepEqual([phase, keeper, up], ['failed', undefined, []]);
  }
});

test('a connection that was never opened has no state', async () => {
  assert.equal(readKeeperState({ folder: join(folder, 'nowhere') }), undefined);
  assert.equal(await keeperState({ folder: join(folder, 'nowhere') }), undefined);
});

test('a connection is connected while its keeper and its ssh are running', async () => {
  write('state connected', `keeper ${await alive()}`, `ssh ${await alive()}`);
  assert.equal((await keeperState({ folder }))?.phase, 'connected');
});

test('an ssh that has just died is being reconnected', async () => {
  write('state connected', `keeper ${await alive()}`, `ssh ${GONE}`);
  assert.equal((await keeperState({ folder }))?.phase, 'reconnecting');
});

test('the state of a killed keeper is ignored, even if another process has its PID', async () => {
  write('state connected', `keeper ${GONE}`, `ssh ${await alive()}`);
  assert.equal(await keeperState({ folder }), undefined);
});

test('the state of a keeper that gave up is kept', async () => {
  for (const word of ['needs-login', 'failed']) {
    write(`state ${word}`, `keeper ${GONE}`, 'message Permission denied (publickey).');
    const state = await keeperState({ folder });
    assert.deepEqual([state?.phase, state?.message], [word, 'Permission denied (publickey).']);
  }
});
