import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { lastValue, parseFrame, scriptText } from '../../src/host/script.ts';
import { AWKWARD_FOLDERS, lacks } from '../hosts/shells.ts';

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
  const frames = ['pid 1', 'log a', 'pid 2'].map((text) => {
    const [key = '', value = ''] = text.split(' ');
    return { key, value };
  });
  assert.equal(lastValue(frames, 'pid'), '2');
  assert.equal(lastValue(frames, 'joined'), undefined);
});

/** Answers with what the stop script of a server that is not there says. */
function runStop(shell: string, folder: string): string[] {
  const variables = { folder, pid: '', startTime: '', launch: '', grace: '0' };
  const text = scriptText({ name: 'stop', variables });
  return execFileSync(shell, ['-s'], { input: text, encoding: 'utf8' }).split('\n');
}

for (const shell of ['sh', 'dash', 'bash'] as const) {
  test(`${shell} runs a script from its standard input, whatever its values hold`, {
    skip: lacks(shell),
  }, () => {
    for (const name of AWKWARD_FOLDERS) {
      const answer = runStop(shell, `/nowhere/${name}`);
      assert.deepEqual(answer.filter(parseFrame), ['@remote-notebook gone'], name);
    }
  });
}

test('nothing is run of a script that arrives only in part', () => {
  const variables = { folder: '/nowhere', pid: '', startTime: '', launch: '', grace: '0' };
  const text = scriptText({ name: 'stop', variables });
  for (const part of [0.3, 0.9, 0.99]) {
    const cut = text.slice(0, Math.floor(text.length * part));
    assert.throws(
      () =>
        execFileSync('/bin/sh', ['-s'], { input: cut, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }),
      (error: { stdout?: string }) => {
        assert.equal(error.stdout, '');
        return true;
      },
    );
  }
});
