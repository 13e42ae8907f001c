import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quietContext } from '../../src/system/context.ts';
import { runPiped } from '../../src/system/streams/pipe.ts';

/** A command whose input is the output of another one. */

const context = quietContext(process.env);

test('the output of one command arrives at the other one completely', async () => {
  const { code, stdout } = await runPiped(['head', '-c', '5000000', '/dev/zero'], ['wc', '-c'], context);
  assert.deepEqual([code, stdout.trim()], [0, '5000000']);
});

test('a first command that fails is reported with its messages, whatever the second one does', async () => {
  const failing = ['sh', '-c', 'echo partly; echo why >&2; exit 3'] as const;
  await assert.rejects(runPiped(failing, ['cat'], context), { message: 'sh failed: why' });
  const late = ['sh', '-c', 'exec >&-; sleep 0.3; echo why >&2; exit 3'] as const;
  await assert.rejects(runPiped(late, ['cat'], context), { message: 'sh failed: why' });
  await assert.rejects(runPiped(['no-such-program-here'], ['cat'], context), /no-such-program-here failed/);
});

test('a second command that fails ends the first one', async () => {
  const { code } = await runPiped(['yes'], ['sh', '-c', 'exit 7'], context);
  assert.equal(code, 7);
});
