import assert from 'node:assert/strict';
import { test } from 'node:test';
import { worldPerTest } from '../hosts/lasting.ts';
import { started } from '../hosts/servers.ts';

const world = worldPerTest();

test('twenty simultaneous starts with twenty names on one host give twenty servers over one connection', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
  // Together they may need longer than one is given.
  const start = (name: string) => started(world.laptop, '--name', name, '--timeout', '600');
  const all = await Promise.all(names.map(start));
  assert.equal(new Set(all.map(({ jupyter: server }) => server.pid)).size, 20);
  assert.equal(new Set(all.map(({ url }) => url)).size, 20);
  assert.equal(new Set(all.map(({ tunnel }) => tunnel.pid)).size, 1);
  const status = await world.laptop.run('status', '--json');
  assert.equal(status.code, 0, status.stdout);
});
