import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { done, serverRecord, started } from '../hosts/servers.ts';

const world = await worldPerFile();

test('a start replaces the kept log, and each name has only one kept log, even with several directories', async () => {
  for (const name of ['kept', 'other']) mkdirSync(join(world.home, name));
  await started(world.laptop, '--name', 'kept', '--directory', 'kept');
  const { folder } = serverRecord(world.laptop, 'kept');
  await done(world.laptop, 'stop', 'kept');
  appendFileSync(join(folder, 'log'), 'the very last line\n');
  await started(world.laptop, '--name', 'kept', '--directory', 'kept');
  assert.doesNotMatch(await done(world.laptop, 'logs', 'kept'), /the very last line/);
  await done(world.laptop, 'stop', 'kept');
  await started(world.laptop, '--name', 'kept-7', '--directory', 'other');
  await done(world.laptop, 'stop', 'kept-7');
  await started(world.laptop, '--name', 'kept', '--directory', 'other');
  await done(world.laptop, 'stop', 'kept');
  const names = readdirSync(join(folder, '..')).map((name) => name.replace(/-\d+$/, ''));
  assert.deepEqual(names.sort(), ['kept', 'kept-7']);
  assert.match(await done(world.laptop, 'logs', 'kept', '-n', '500'), /\/other\n/);
});
