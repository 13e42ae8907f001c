import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findLeftovers } from '../../src/lifecycle/clean.ts';
import { quietContext } from '../../src/system/context.ts';
import { stateFolder } from '../../src/system/paths.ts';
import { makeFolder } from '../hosts/standing.ts';

test('the lock of a command that ends while clean looks is not reported as left behind', async () => {
  const env = { XDG_STATE_HOME: makeFolder('rn-state-') };
  const lock = join(stateFolder(env), 'server-other.lock');
  mkdirSync(stateFolder(env), { mode: 0o700 });
  // Nobody can find out whose lock that is, so it is not reported while it is there either.
  symlinkSync('none', lock);
  const looking = findLeftovers(quietContext(env));
  rmSync(lock);
  assert.deepEqual(await looking, []);
});
