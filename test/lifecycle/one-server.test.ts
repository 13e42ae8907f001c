import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldPerTest } from '../hosts/lasting.ts';
import { started, stderrOf } from '../hosts/servers.ts';
import { serverPids } from '../hosts/traces.ts';

/** One server stays one server, no matter how often, from where and with which options it is started. */

const world = worldPerTest();

test('a second start connects to the running server: here, without the local state, and from another laptop', async () => {
  const first = await started(world.laptop);
  const second = await started(world.laptop);
  assert.deepEqual([second.joined, second.jupyter.pid, second.url], [true, first.jupyter.pid, first.url]);
  const other = await started(world.anotherLaptop());
  assert.deepEqual([other.joined, other.jupyter.pid], [true, first.jupyter.pid]);
  rmSync(world.laptop.stateFolder, { recursive: true });
  const third = await started(world.laptop);
  assert.deepEqual([third.joined, third.jupyter.pid], [true, first.jupyter.pid]);
  assert.equal(serverPids(world).length, 1);
});

test('twenty starts of one server at once give one server, one tunnel, and twenty successes', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => started(world.laptop)));
  assert.equal(new Set(all.map(({ jupyter: server }) => server.pid)).size, 1);
  assert.equal(new Set(all.map(({ tunnel }) => tunnel.pid)).size, 1);
  assert.equal(all.filter(({ joined }) => !joined).length, 1);
  assert.equal(serverPids(world).length, 1);
});

test('simultaneous starts from two laptops give one server', async () => {
  const laptops = [world.laptop, world.anotherLaptop(), world.anotherLaptop()];
  const all = await Promise.all(
    laptops.map((laptop) => laptop.run('start', 'loopback', '{F}', '--no-browser', '--json')),
  );
  for (const { code, stderr } of all) assert.equal(code, 0, stderr);
  assert.equal(new Set(all.map(({ stdout }) => JSON.parse(stdout).jupyter.pid)).size, 1);
  assert.equal(serverPids(world).length, 1);
});

test('five simultaneous starts with five names on one host give five servers over one connection', async () => {
  const names = Array.from({ length: 5 }, (_, index) => `n${index}`);
  const all = await Promise.all(names.map((name) => started(world.laptop, '--name', name)));
  assert.equal(new Set(all.map(({ jupyter: server }) => server.pid)).size, 5);
  assert.equal(new Set(all.map(({ url }) => url)).size, 5);
  assert.equal(new Set(all.map(({ tunnel }) => tunnel.pid)).size, 1);
  const status = await world.laptop.run('status', '--json');
  assert.equal(status.code, 0, status.stdout);
});

test('a name belongs to one directory on one host', async () => {
  await started(world.laptop);
  const stderr = await stderrOf(2, world.laptop, 'start', 'loopback', '{F}', '--directory', 'on and off');
  assert.match(
    stderr,
    /the server "loopback" is in the home folder on loopback, not in 'on and off' on loopback/,
  );
  assert.equal(serverPids(world).length, 1);
});

test('a symbolic link to a directory leads to the same server as the directory', async () => {
  mkdirSync(join(world.home, 'real'));
  symlinkSync('real', join(world.home, 'link'));
  const first = await started(world.laptop, '--name', 'x', '--directory', 'real');
  const other = await world
    .anotherLaptop()
    .run('start', 'loopback', '{F}', '--name', 'x', '--directory', 'link', '--json', '--no-browser');
  assert.equal(JSON.parse(other.stdout).jupyter.pid, first.jupyter.pid);
});
