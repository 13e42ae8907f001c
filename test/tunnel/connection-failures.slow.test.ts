import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failure } from '../hosts/failure.ts';
import { worldPerTest } from '../hosts/lasting.ts';

const world = worldPerTest();

test('a host whose start-up files hang is reported, and no command waits forever', async () => {
  writeFileSync(join(world.home, '.bashrc'), 'echo choose a project; exec sleep 70\n');
  assert.match(
    await failure(world, 'loopback'),
    /^Error: loopback did not run our script within 60 s; it printed: choose a project\nCheck its start-up files\. /,
  );
});
