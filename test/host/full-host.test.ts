import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { NO_ROOT } from '../hosts/needs.ts';
import { done, type Shown, started, stderrOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { makeWorld, type World } from '../hosts/world.ts';

/** A host whose home folder is on a separate disk, which is full. */

const needsMount = { skip: NO_ROOT };

let world: World;
const filling = () => join(world.home, 'filling');

beforeEach(async () => {
  world = await makeWorld();
  if (!needsMount.skip)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', world.home]);
});
afterEach(async () => {
  rmSync(filling(), { force: true });
  await world.laptop.run('stop', '--yes');
  if (!needsMount.skip) execFileSync('umount', ['-l', world.home]);
  await world.remove();
});

function fill(): void {
  assert.throws(() => writeFileSync(filling(), Buffer.alloc(10_000_000)), /ENOSPC/);
}

test(
  'a start on a host with a full disk reports that, and leaves nothing on either side',
  needsMount,
  async () => {
    mkdirSync(join(world.home, '.local'));
    fill();
    const stderr = await stderrOf(
      1,
      world.laptop,
      'start',
      'loopback',
      '{F}',
      '--no-browser',
      '--timeout',
      '20',
    );
    assert.match(
      stderr,
      /\nError: cannot write to \/.*\/remote-notebook\/servers\/\S+ on loopback: .*: No space left on device\nCheck its permissions, the free disk space and your quota there\.\n$/,
    );
    await nothingIsLeft(world);
  },
);

test(
  'a server whose log does not fit on the full disk keeps running, is listed and can be stopped',
  needsMount,
  async () => {
    const { jupyter: server } = await started(world.laptop, ...(await ports()));
    fill();
    const [spec]: Shown[] = JSON.parse(await done(world.laptop, 'status', '--json')).servers;
    assert.deepEqual([spec?.state, spec?.jupyter.pid], ['connected', server.pid]);
    await done(world.laptop, 'logs');
    assert.equal(JSON.parse(await done(world.laptop, 'stop', '--json')).outcome, 'shutdown');
    await nothingIsLeft(world);
  },
);
