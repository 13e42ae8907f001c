import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { done, started } from '../hosts/servers.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { eventually, makeWorld, type World, type WorldOptions } from '../hosts/world.ts';

/** How the forwards come back after a lost connection: with the login itself, all that can be had, and ours alone. */

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

/** The command line of the connection's ssh, as the process table has it: empty while there is none. */
function commandLine(): string {
  return spawnSync('ps', ['-ww', '-o', 'args=', '-p', `${keeper().ssh?.pid}`], { encoding: 'utf8' }).stdout;
}

async function killSsh(): Promise<void> {
  const { ssh } = keeper();
  process.kill(ssh?.pid ?? 0, 'SIGKILL');
  await connected(ssh?.pid);
}

/** Waits for another ssh than this one. */
async function connected(than: number | undefined): Promise<void> {
  await eventually(
    'another ssh is connected',
    () => keeper().phase === 'connected' && keeper().ssh?.pid !== than,
  );
}

async function runs(): Promise<void> {
  await eventually('the server answers', async () => {
    const { stdout } = await world.laptop.run('status', '--json');
    return JSON.parse(stdout).servers[0].jupyter.state === 'running';
  });
}

/** Whoever listens there keeps it from everybody else. Undefined when somebody does already. */
function listen(port: number, address: string): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: address, exclusive: true }, () => resolve(server));
  });
}

/** Takes the port while sshd is away. */
async function steal(port: number, address: string): Promise<Server> {
  await world.sshd.stop();
  process.kill(keeper().ssh?.pid ?? 0, 'SIGKILL');
  let thief: Server | undefined;
  await eventually('the port is taken', async () => {
    thief = await listen(port, address);
    return thief !== undefined;
  });
  await world.sshd.start();
  assert.ok(thief);
  return thief;
}

test('after a lost connection ssh has all forwards before it reports that it is connected', async () => {
  await begin();
  const { up } = keeper();
  assert.equal(up.length, 2);
  await killSsh();
  assert.deepEqual(keeper().up, up);
  for (const forward of up) assert.ok(commandLine().includes(` -L ${forward} `), commandLine());
  await runs();
});

/** How many sessions sshd has had. */
function sessions(): number {
  return world.sshd.log().split('Starting session: command for ').length - 1;
}

test('small answers are sent at once: sshd has had a session in each connection that has a tunnel', async () => {
  await begin();
  const begun = sessions();
  await killSsh();
  await eventually('the next connection has had one', () => sessions() === begun + 1);
  const name = ['stop', 'loopback', '--keep-server'];
  await done(world.laptop, ...name);
  const stopped = sessions();
  await done(world.laptop, 'forward', 'loopback');
  await eventually('the one that forward made has had one', () => sessions() === stopped + 1);
});

test('a host on which sessions hang is left alone after three', async () => {
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

test('a server behind a socket is found again after a lost connection', async () => {
  world = await makeWorld();
  await started(world.laptop, '--no-browser', '--socket', ...(await ports()));
  const { up } = keeper();
  await killSsh();
  assert.deepEqual(keeper().up, up);
  await runs();
});

test('a port that is in use affects no other forward, and is bound again later without another login', async () => {
  const port = await begin();
  const [first, second] = keeper().up;
  const before = keeper().ssh?.pid;
  const thief = await steal(port, '0.0.0.0');
  await connected(before);
  assert.deepEqual([keeper().up, keeper().down], [[first], [second]]);
  await runs();
  const { ssh } = keeper();
  await new Promise((resolve) => thief.close(resolve));
  await eventually('both are up', () => keeper().up.length === 2);
  assert.deepEqual(keeper().ssh, ssh);
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

test('a forward that comes into ssh_config while the tunnel is up is left to the user as well', async () => {
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
    return theirs !== undefined && !commandLine().includes(' -L ');
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
  process.kill(ssh?.pid ?? 0, 'SIGKILL');
  const pauses: number[] = [];
  for (let tries = 3; tries <= 6; tries++) {
    await eventually(
      `try ${tries} is planned`,
      () => keeper().phase === 'reconnecting' && keeper().tries === tries,
    );
    pauses.push((keeper().nextTry ?? 0) - Date.now() / 1000);
  }
  assert.match(keeper().message ?? '', /Could not resolve hostname/);
  assert.ok(
    pauses.every((seconds) => seconds <= 2),
    `pauses of ${pauses} s`,
  );
  writeFileSync(sshConfig, config);
  await connected(ssh?.pid);
  await runs();
});
