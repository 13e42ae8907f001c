import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectionFolder, keeperOf } from '../hosts/keeper.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { done, started } from '../hosts/servers.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { traces } from '../hosts/traces.ts';
import { eventually, type Running } from '../hosts/world.ts';

/** Commands that use one connection at the same time: whoever is done closes it for no other, and the last one does. */

const world = worldPerTest();

async function heldStart(): Promise<{ start: Running; letGo: () => void }> {
  const { held, letGo } = await hold('start', 'loopback', '{F}', '--no-browser', ...(await ports()));
  return { start: held, letGo };
}

/** A command whose first session on the host waits in a start-up file, which no later one does, until it may go on. */
async function hold(...args: string[]): Promise<{ held: Running; letGo: () => void }> {
  const [begun, go] = [join(world.home, 'begun'), join(world.home, 'go')];
  const wait = `until [ -e '${go}' ]; do sleep 0.05; done`;
  writeFileSync(join(world.home, '.bashrc'), `if mkdir '${begun}' 2>/dev/null; then ${wait}; fi\n`);
  const held = world.laptop.start(...args);
  await eventually('its session waits', () => existsSync(begun));
  return { held, letGo: () => writeFileSync(go, '') };
}

test('status --all leaves the connection to a start that has nothing on record yet', async () => {
  const { start, letGo } = await heldStart();
  await done(world.laptop, 'status', 'loopback', '{F}', '--all');
  letGo();
  const { code, stderr } = await start.ended;
  assert.equal(code, 0, stderr);
  await done(world.laptop, 'stop');
  assert.deepEqual(traces(world, world.laptop), []);
});

test('of two that list a host, the first one that is done leaves the connection to the other', async () => {
  const { held, letGo } = await hold('status', 'loopback', '{F}', '--all');
  await done(world.laptop, 'status', 'loopback', '{F}', '--all');
  letGo();
  const { code, stderr } = await held.ended;
  assert.equal(code, 0, stderr);
  assert.deepEqual(traces(world, world.laptop), []);
});

for (const verb of ['stop', 'restart']) {
  test(`status --all leaves the connection to a ${verb} of a server that had no tunnel`, async () => {
    await started(world.laptop, '--no-browser', ...(await ports()));
    await done(world.laptop, 'stop', '--keep-server');
    const { held, letGo } = await hold(verb, '--yes');
    await done(world.laptop, 'status', 'loopback', '{F}', '--all');
    letGo();
    const { code, stderr } = await held.ended;
    assert.equal(code, 0, stderr);
    if (verb === 'restart') await done(world.laptop, 'stop');
    assert.deepEqual(traces(world, world.laptop), []);
  });
}

test('clean leaves the connection to a command that looks for a server to join', async () => {
  const { held, letGo } = await hold('start', 'loopback', '{F}', '--adopt', '1');
  assert.doesNotMatch(await done(world.laptop, 'clean'), /connection/);
  letGo();
  const { stderr } = await held.ended;
  assert.doesNotMatch(stderr, /was lost/);
  assert.deepEqual(traces(world, world.laptop), []);
});

test('a start that was killed claims its connection no longer', async () => {
  const { start, letGo } = await heldStart();
  start.signal('SIGKILL');
  await start.ended;
  letGo();
  await done(world.laptop, 'status', 'loopback', '{F}', '--all');
  await eventually('nothing is left', () =>
    traces(world, world.laptop).every((trace) => trace === 'file server-loopback.lock'),
  );
  await done(world.laptop, 'clean');
  assert.deepEqual(traces(world, world.laptop), []);
});

test('a start that comes by another ssh_config ends the tunnel that came by the first', async () => {
  const former = join(world.sshd.folder, 'former');
  copyFileSync(world.sshd.sshConfig, former);
  const start = ['start', 'loopback', '--no-browser', '--json', ...(await ports())];
  const { tunnel } = JSON.parse(await done(world.laptop, ...start, '-F', former));
  writeFileSync(former, readFileSync(former, 'utf8').replace(/Port \d+/, `Port ${await freePort()}`));
  const { keeper, ssh } = keeperOf(world.laptop);
  const old = connectionFolder(world.laptop);
  process.kill(ssh?.pid ?? 0, 'SIGKILL');
  await eventually('nobody is met there', () => keeperOf(world.laptop).phase === 'reconnecting');
  const again = await started(world.laptop, '--no-browser');
  assert.ok(again.joined);
  assert.equal(again.tunnel.localPort, tunnel.localPort);
  assert.notEqual(connectionFolder(world.laptop), old);
  assert.ok(!world.processes().includes(keeper?.pid ?? 0));
  await done(world.laptop, 'stop');
  assert.deepEqual(traces(world, world.laptop), []);
  assert.deepEqual(readdirSync(world.laptop.stateFolder).sort(), ['c', 'state.json']);
});
