import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { parseFrame } from '../../src/host/protocol.ts';
import { scriptText } from '../../src/host/script.ts';
import { lacks } from '../hosts/needs.ts';
import { AWKWARD_FOLDERS } from '../hosts/shells.ts';

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
