import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeWorld, type World } from '../hosts/world.ts';

let world: World;
before(async () => {
  world = await makeWorld();
});
after(() => world.remove());

test('start brings a notebook up, status sees it, stop ends exactly it, and nothing is left', async () => {
  const { laptop } = world;
  const started = await laptop.run('start', 'loopback', '{F}', '--no-open', '--json');
  assert.equal(started.code, 0, started.stderr);
  const answer = JSON.parse(started.stdout);
  assert.equal(answer.joined, false);
  assert.equal(answer.server.state, 'running');
  const status = await laptop.run('status', '--json');
  assert.equal(status.code, 0, status.stderr);
  assert.equal(JSON.parse(status.stdout).notebooks[0].tunnel.state, 'connected');
  const stopped = await laptop.run('stop');
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.deepEqual(world.processes(), []);
});
