import assert from 'node:assert/strict';
import { lstatSync, lutimesSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { worldPerTest } from '../hosts/lasting.ts';
import { started } from '../hosts/servers.ts';
import { serversOn } from '../hosts/traces.ts';
import { eventually } from '../hosts/world.ts';

/** Two starts at once on two nodes that share a home folder: one has the lock, and the other cannot check its PID. */

const world = worldPerTest();
/** The lock on the record of a server that has crashed. */
let lock: string;
beforeEach(async () => {
  const { jupyter: server } = await started(world.laptop);
  process.kill(server.pid, 'SIGKILL');
  const [folder = ''] = readdirSync(serversOn(world));
  lock = join(serversOn(world), folder, 'lock');
  await eventually('its start has released its own', () => !isThere(lock));
  // No process of this machine has this PID.
  symlinkSync('theirs login7 4194999 1', lock);
});

/** Whether a lock exists: it is a link that leads nowhere. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

test('a start waits for a start on another node of the pool, and reports that it waits', async () => {
  const start = world.laptop.start('start', 'loopback', '{F}', '--no-browser');
  await start.saw('waiting for another start on login7 to finish');
  rmSync(lock);
  const { code, stderr } = await start.ended;
  assert.equal(code, 0, stderr);
});

test('a lock that another node left is ignored after the longest possible launch', async () => {
  const longAgo = Date.now() / 1000 - 12 * 60;
  lutimesSync(lock, longAgo, longAgo);
  const { joined } = await started(world.laptop);
  assert.equal(joined, false);
});
