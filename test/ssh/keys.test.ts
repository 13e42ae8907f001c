import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { keyClues } from '../../src/ssh/causes/clues.ts';
import { quietContext } from '../../src/system/context.ts';

test('keys are looked for in the home folder of the account, as ssh does, whatever HOME is', async (context) => {
  const { HOME } = process.env;
  process.env.HOME = '/nowhere';
  context.after(() => {
    if (HOME === undefined) delete process.env.HOME;
    else process.env.HOME = HOME;
  });
  const options = new Map([
    ['identityfile', ['~/.ssh/no-such-key']],
    ['identityagent', ['none']],
  ]);
  const { keys } = await keyClues(options, quietContext(process.env));
  assert.deepEqual(keys, [{ path: join(userInfo().homedir, '.ssh/no-such-key'), state: 'missing' }]);
});
