import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectionFolder, keeperOf } from '../hosts/keeper.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { done, started } from '../hosts/servers.ts';
import { signalTo } from '../hosts/signal.ts';
import { freePort, ownLocalPort, ports } from '../hosts/sshd.ts';
import { nothingIsLeft, traces } from '../hosts/traces.ts';
import { eventually, type Running } from '../hosts/world.ts';

/** Commands that use one connection at the same time: only the last one that finishes closes it. */

const world = worldPerTest();

async function heldStart(): Promise<{ start: Running; letGo: () => void }> {
  const { held, letGo } = await hold('start', 'loopback', '{F}', '--no-browser', ...(await ports()));
  return { start: held, letGo };
}

/** A command whose first session on the host waits in a start-up file until it may continue; later sessions do not wait. */
async function hold(...args: string[]): Promise<{ held: Running; letGo: () => void }> {
  const [begun, go] = [join(world.home, 'begun'), join(world.home, 'go')];
  const wait = `until [ -e '${go}' ]; do sleep 0.05; done`;
  writeFileSync(join(world.home, '.bashrc'), `if mkdir '${begun}' 2>/dev/null; then ${wait}; fi\n`);
  const held = world.laptop.start(...args);
  await eventually('its session waits', () => existsSync(begun));
  return { held, letGo: () => writeFileSync(go, '') };
}

test('status --all does not close the connection of a start that has no record yet', async () => {
  const { start, letGo } = await heldStart();
  await done(world.laptop, 'status', 'loopback', '{F}', '--all');
  letGo();
  const { code, stderr } = await start.ended;
  assert.equal(code, 0, stderr);
  await done(world.laptop, 'stop');
  await nothingIsLeft(world);
});

test('if two commands list a host, the first one to finish does not close the connection of the other', async () => {
  const { held, letGo } = await hold('status', 'loopback', '{F}', '--all');
  await done(world.laptop, 'status', 'loopback', '{F}', '--all');
  letGo();
  const { code, stderr } = await held.ended;
  assert.equal(code, 0, stderr);
  await nothingIsLeft(world);
});

for (const verb of ['stop', 'restart']) {
  test(`status --all does not close the connection of a ${verb} of a server that had no tunnel`, async () => {
    await started(world.laptop, '--no-browser', ...(await ports()));
    await done(world.laptop, 'stop', '--keep-server');
    const { held, letGo } = await hold(verb, '--yes');
    await done(world.laptop, 'status', 'loopback', '{F}', '--all');
    letGo();
    const { code, stderr } = await held.ended;
    assert.equal(code, 0, stderr);
    if (verb === 'restart') await done(world.laptop, 'stop');
    await nothingIsLeft(world);
  });
}

test('clean does not close the connection of a command that is searching for a server', async () => {
  const { held, letGo } = await hold('start', 'loopback', '{F}', '--adopt', '1');
  assert.doesNotMatch(await done(world.laptop, 'clean'), /connection/);
  letGo();
  const { stderr } = await held.ended;
  assert.doesNotMatch(stderr, /was lost/);
  await nothingIsLeft(world);
});

test('a killed start no longer reserves its connection', async () => {
  const { start, letGo } = await heldStart();
  start.signal('SIGKILL');
  await start.ended;
  letGo();
  await done(world.laptop, 'status', 'loopback', '{F}', '--all');
  await eventually('nothing is left', () =>
    traces(world, world.laptop).every((trace) => trace === 'file server-loopback.lock'),
  );
  await done(world.laptop, 'clean');
  await nothingIsLeft(world);
});

test('the next start removes the claims of killed commands', async () => {
  const claims = () =>
    readdirSync(join(world.laptop.stateFolder, 'c')).filter((name) => /-.*\.lock$/.test(name));
  const { start, letGo } = await heldStart();
  start.signal('SIGKILL');
  await start.ended;
  letGo();
  assert.equal(claims().length, 1);
  await started(world.laptop, '--no-browser', ...(await ports()));
  assert.deepEqual(claims(), []);
  await done(world.laptop, 'stop');
});

for (const where of ['a socket', 'a port'])
  test(`a start with another ssh_config ends the tunnel of a server on ${where} that used the first one`, async () => {
    const former = join(world.sshd.folder, 'former');
    copyFileSync(world.sshd.sshConfig, former);
    const start = [
      'start',
      'loopback',
      '--no-browser',
      '--json',
      ...(await (where === 'a port' ? ports() : ownLocalPort())),
    ];
    const { tunnel } = JSON.parse(await done(world.laptop, ...start, '-F', former));
    writeFileSync(former, readFileSync(former, 'utf8').replace(/Port \d+/, `Port ${await freePort()}`));
    const { keeper, ssh } = keeperOf(world.laptop);
    const old = connectionFolder(world.laptop);
    signalTo(ssh, 'SIGKILL');
    await eventually('nobody is met there', () => keeperOf(world.laptop).phase === 'reconnecting');
    const again = await started(world.laptop, '--no-browser');
    assert.ok(again.joined);
    assert.equal(again.tunnel.localPort, tunnel.localPort);
    assert.notEqual(connectionFolder(world.laptop), old);
    assert.ok(!world.processes().includes(keeper?.pid ?? 0));
    await done(world.laptop, 'stop');
    await nothingIsLeft(world);
    const names = readdirSync(world.laptop.stateFolder).filter((name) => !name.startsWith('events-'));
    assert.deepEqual(names.sort(), ['c', 'state.json']);
  });
