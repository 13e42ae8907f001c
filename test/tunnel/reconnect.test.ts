import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { done, started } from '../hosts/servers.ts';
import { signalTo } from '../hosts/signal.ts';
import { freePort, ownLocalPort, ports } from '../hosts/sshd.ts';
import { eventually, makeWorld, type World, type WorldOptions } from '../hosts/world.ts';

/** The forwards after a lost connection: they are set up with the login, except for ports in use, and without the user's own. */

let world: World;
afterEach(() => world.remove());

/** A server, and one more forward to its server. Returns the second's port. */
async function begin(options: WorldOptions = {}): Promise<number> {
  world = await makeWorld(options);
  const { jupyter: server } = await started(world.laptop, '--no-browser', ...(await ports()));
  const port = await freePort();
  await done(world.laptop, 'forward', 'loopback', `0.0.0.0:${port}:127.0.0.1:${server.port}`);
  return port;
}

function keeper() {
  return keeperOf(world.laptop);
}

async function killSsh(): Promise<void> {
  const { ssh } = keeper();
  signalTo(ssh, 'SIGKILL');
  await connected(ssh?.pid);
}

/** Waits for another ssh than this one. */
async function connected(than: number | undefined): Promise<void> {
  await eventually(
    'another ssh is connected',
    () => keeper().phase === 'connected' && keeper().ssh?.pid !== than && keeper().up.length > 0,
  );
}

async function runs(): Promise<void> {
  await eventually('the server answers', async () => {
    const { stdout } = await world.laptop.run('status', '--json');
    return JSON.parse(stdout).servers[0].jupyter.state === 'running';
  });
}

/** Listens on the port, so that no other program can. Undefined if one already does. */
function listen(port: number, address: string): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: address, exclusive: true }, () => resolve(server));
  });
}

test('after a lost connection all forwards are usable again', async () => {
  await begin();
  const { up } = keeper();
  assert.equal(up.length, 2);
  await killSsh();
  await eventually('both are up', () => keeper().up.length === 2);
  assert.deepEqual(keeper().up, up);
  await runs();
});

/** How many sessions sshd has had. */
function sessions(): number {
  return world.sshd.log().split('Starting session: command for ').length - 1;
}

test('small responses are sent without delay, since sshd has had a session on every tunnel connection', async () => {
  world = await makeWorld();
  // The port of a server is confirmed in further sessions.
  await started(world.laptop, '--no-browser', ...(await ownLocalPort()));
  const begun = sessions();
  await killSsh();
  await eventually('the next connection has had one', () => sessions() >= begun + 1);
  await done(world.laptop, 'stop', 'loopback', '--keep-server');
  const stopped = sessions();
  await done(world.laptop, 'forward', 'loopback');
  await eventually('the one that forward made has had one', () => sessions() >= stopped + 1);
});

test('after three sessions that hang on a host, no more are opened', async () => {
  await begin();
  const begun = sessions();
  writeFileSync(join(world.home, '.bashrc'), 'sleep 1000\n');
  for (const hung of [1, 2, 3]) {
    await killSsh();
    await eventually('a session hangs', () => sessions() === begun + hung);
  }
  await killSsh();
  rmSync(join(world.home, '.bashrc'));
  await done(world.laptop, 'logs');
  assert.equal(sessions(), begun + 4);
});

test('a server on a socket is forwarded again after a lost connection', async () => {
  world = await makeWorld();
  await started(world.laptop, '--no-browser', ...(await ownLocalPort()));
  const { up } = keeper();
  await killSsh();
  assert.deepEqual(keeper().up, up);
  await runs();
});

test('a port that is in use affects no other forward, and is ours as soon as it is free', async () => {
  await begin();
  const port = await freePort();
  const thief = await listen(port, '127.0.0.1');
  const { ssh } = keeper();
  const refused = await world.laptop.run('forward', 'loopback', `${port}:127.0.0.1:1`);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is already in use/);
  await runs();
  assert.deepEqual(keeper().ssh, ssh);
  await new Promise((resolve) => thief?.close(resolve));
  await done(world.laptop, 'forward', 'loopback', `${port}:127.0.0.1:1`);
  assert.equal(keeper().up.length, 3);
});

test("the user's own forwards stay theirs after a lost connection", async () => {
  const own = await freePort();
  await begin({ sshConfig: [`LocalForward 127.0.0.1:${own} localhost:1`] });
  const { up } = keeper();
  await killSsh();
  assert.deepEqual(keeper().up, up);
  await runs();
  const theirs = await listen(own, '127.0.0.1');
  assert.ok(theirs, 'the port of the ssh_config is free for the user');
  theirs.close();
});

test('a forward that is added to ssh_config while the tunnel is connected is left to the user', async () => {
  await begin();
  const own = await freePort();
  const config = readFileSync(world.sshd.sshConfig, 'utf8');
  writeFileSync(
    world.sshd.sshConfig,
    config.replace('Host loopback\n', `Host loopback\n  LocalForward 127.0.0.1:${own} localhost:1\n`),
  );
  const { up } = keeper();
  await killSsh();
  await eventually('the port of the ssh_config is free for the user', async () => {
    const theirs = await listen(own, '127.0.0.1');
    theirs?.close();
    return theirs !== undefined;
  });
  await eventually('our forwards are up', () => keeper().phase === 'connected' && keeper().up.length === 2);
  assert.deepEqual(keeper().up, up);
  await runs();
});

test('while no host is reachable the keeper retries often, so it connects soon afterwards', async () => {
  await begin();
  const { sshConfig } = world.sshd;
  const config = readFileSync(sshConfig, 'utf8');
  // ssh_config(5): the first value counts.
  writeFileSync(sshConfig, config.replace('Host loopback\n', 'Host loopback\n  HostName nowhere.invalid\n'));
  const { ssh } = keeper();
  signalTo(ssh, 'SIGKILL');
  const pauses: number[] = [];
  for (let tries = 3; tries <= 6; tries++) {
    await eventually(`try ${tries} is planned`, () => {
      const { phase, tries: now, nextTryAt = 0 } = keeper();
      if (phase !== 'reconnecting' || now < tries) return false;
      pauses.push((nextTryAt - Date.now()) / 1000);
      return true;
    });
  }
  assert.match(keeper().output ?? '', /Could not resolve hostname/);
  assert.ok(
    pauses.every((seconds) => seconds <= 2),
    `pauses of ${pauses} s`,
  );
  writeFileSync(sshConfig, config);
  await connected(ssh?.pid);
  await runs();
});
