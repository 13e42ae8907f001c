import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { connectionFolder, keeperOf } from '../hosts/keeper.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { done, started } from '../hosts/servers.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/** A keeper that was stopped, or that has lost its files. */

let world: World;
let pid: number;
beforeEach(async () => {
  world = await makeWorld();
  await started(world.laptop);
  pid = keeperOf(world.laptop).keeper.pid;
});
afterEach(async () => {
  signalQuietly(pid, 'SIGCONT');
  await world.remove();
});

const hasEnded = () => !existsSync(`/proc/${pid}/exe`);

test('forward reports a keeper that does not respond, and the remedy, and works when it continues', {
  skip: NO_PROC,
}, async () => {
  process.kill(pid, 'SIGSTOP');
  const { code, stderr } = await world.laptop.run('forward', 'loopback');
  assert.equal(code, 1, stderr);
  assert.match(stderr, new RegExp(`does not respond\\n.*kill -KILL ${pid}\\)`));
  process.kill(pid, 'SIGCONT');
  await done(world.laptop, 'forward', 'loopback');
  assert.equal(keeperOf(world.laptop).keeper.pid, pid);
});

test('a keeper whose state was removed is replaced by one alone', { skip: NO_PROC }, async () => {
  rmSync(join(connectionFolder(world.laptop), 'status.json'));
  await done(world.laptop, 'start', 'loopback', '--no-browser');
  await eventually('the former one has ended', hasEnded);
  assert.equal(keeperOf(world.laptop).phase, 'connected');
});
