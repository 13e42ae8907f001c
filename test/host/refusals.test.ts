import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notRun, REFUSALS } from '../../src/host/refusals.ts';
import { HOST_WORDS } from '../causes/host-words.ts';

for (const { cause, lines, remedy } of HOST_WORDS) {
  test(`a host that prints "${lines[0]}" gets the remedy for ${cause}`, () => {
    const given = notRun(['Welcome to gpu.', ...lines], 1, 'ssh gpu').remedy;
    assert.ok(given.includes(remedy), given);
  });
}

test('the recorded output covers every cause in the code, in the same order', () => {
  assert.deepEqual(
    HOST_WORDS.map(({ cause }) => cause),
    REFUSALS.map(({ cause }) => cause),
  );
});

test('if a host prints something unknown, or nothing, the advice is to try by hand', () => {
  const trial = "Try: echo 'echo works' | ssh gpu /bin/sh -s";
  assert.match(notRun(['backups only'], 0, 'ssh gpu').remedy, /^The account must be allowed to run commands/);
  assert.match(
    notRun([], 1, 'ssh gpu').remedy,
    /^Either its shell runs no commands, as \/bin\/false does\. Or a start-up file /,
  );
  for (const lines of [['backups only'], []]) assert.ok(notRun(lines, 0, 'ssh gpu').remedy.endsWith(trial));
});
