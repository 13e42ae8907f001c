import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { eventually, type Laptop } from '../hosts/world.ts';

/** What becomes of a tunnel: each test breaks one thing for real, and looks at what is there afterwards. */

const world = await worldPerFile();
before(async () => {
  await started(world.laptop, ...(await ports()));
});

function keeper() {
  return keeperOf(world.laptop);
}

const status = () => statusOf(world.laptop);

async function connectedAgain(oldSsh: number | undefined) {
  await eventually(
    'another ssh is connected',
    () => keeper().phase === 'connected' && keeper().ssh?.pid !== oldSsh,
  );
  await eventually('the server answers', async () => (await status()).jupyter.state === 'running');
}

test('a killed ssh is back at once, on the same port', async () => {
  const { ssh } = keeper();
  const { url } = await status();
  process.kill(ssh?.pid ?? 0, 'SIGKILL');
  await connectedAgain(ssh?.pid);
  assert.equal((await status()).url, url);
});

test('a killed keeper is noticed, and the next start replaces it', async () => {
  const before = keeper();
  const { url } = await status();
  process.kill(before.keeper?.pid ?? 0, 'SIGKILL');
  await eventually('status sees it', async () => (await status()).state === 'closed');
  const joined = await world.laptop.run('start', 'loopback', '{F}', '--no-browser', '--json');
  assert.equal(joined.code, 0, joined.stderr);
  assert.equal(JSON.parse(joined.stdout).joined, true);
  assert.equal(JSON.parse(joined.stdout).url, url);
  assert.notEqual(keeper().keeper?.pid, before.keeper?.pid);
});

test('a session that somebody has stopped does not keep the next connection waiting', async () => {
  const startUp = join(world.home, '.bashrc');
  writeFileSync(startUp, '[ -z "$SSH_CONNECTION" ] || sleep 1000\n');
  const first = keeper().ssh?.pid;
  process.kill(first ?? 0, 'SIGKILL');
  await eventually('its session waits', () => session() !== undefined && keeper().ssh?.pid !== first);
  const stopped = session() ?? 0;
  const second = keeper().ssh?.pid;
  process.kill(stopped, 'SIGSTOP');
  try {
    rmSync(startUp);
    process.kill(second ?? 0, 'SIGKILL');
    await eventually(
      'another ssh is connected',
      () => keeper().phase === 'connected' && keeper().ssh?.pid !== second,
      20_000,
    );
  } finally {
    signalQuietly(stopped, 'SIGKILL');
  }
});

/** The keeper's own session, if it is under way. */
function session(): number | undefined {
  return world.processes().find((pid) => commandLineOf(pid).endsWith(' master true'));
}

test('sshd that was down is found again, on its own', async () => {
  const { ssh } = keeper();
  await world.sshd.stop();
  process.kill(ssh?.pid ?? 0, 'SIGKILL');
  await eventually('the keeper waits for its next try', () => keeper().message !== undefined);
  const away = await status();
  assert.equal(away.state, 'reconnecting');
  assert.match(away.tunnel.reason, /Connection refused/);
  await world.sshd.start();
  await connectedAgain(ssh?.pid);
});

test('a port that was in use is bound again as soon as it is free', async () => {
  const { localPort } = (await status()).tunnel;
  const { ssh } = keeper();
  const thief = await takeOver(localPort, ssh?.pid ?? 0);
  await eventually('the forward is down', () => keeper().phase === 'connected' && keeper().down.length === 1);
  assert.equal((await status()).state, 'degraded');
  await new Promise((resolve) => thief.close(resolve));
  await eventually('the forward is up', () => keeper().up.length === 1);
  assert.equal((await status()).state, 'connected');
});

/** Ends ssh while sshd is away, and takes its port before it is back. */
async function takeOver(port: number, ssh: number): Promise<Server> {
  await world.sshd.stop();
  process.kill(ssh, 'SIGKILL');
  const thief = createServer();
  await eventually(
    'the port is taken',
    () =>
      new Promise((resolve) => {
        thief.once('error', () => resolve(false));
        thief.listen(port, '127.0.0.1', () => resolve(true));
      }),
  );
  await world.sshd.start();
  return thief;
}

test('a keeper whose folder has vanished ends itself when its ssh ends', async () => {
  const other = world.anotherLaptop();
  const port = String(await freePort());
  await started(other, '--local-port', port);
  const state = keeperOf(other);
  rmSync(other.stateFolder, { recursive: true });
  process.kill(state.ssh?.pid ?? 0, 'SIGKILL');
  await eventually('the keeper is gone', () => !world.processes().includes(state.keeper?.pid ?? 0));
});

test('a keeper that is ended while it reconnects leaves no ssh behind', async () => {
  const other = world.anotherLaptop();
  const held = holdRemoval(other);
  const port = String(await freePort());
  await started(other, '--local-port', port);
  const before = world.processes();
  const state = keeperOf(other);
  held.hold();
  process.kill(state.ssh?.pid ?? 0, 'SIGKILL');
  await held.reached();
  process.kill(state.keeper?.pid ?? 0, 'SIGTERM');
  held.letGo();
  try {
    await eventually('the keeper is gone', () => !world.processes().includes(state.keeper?.pid ?? 0));
    assert.deepEqual(
      world.processes().filter((pid) => !before.includes(pid)),
      [],
    );
  } finally {
    signalQuietly(state.keeper?.pid ?? 0, 'SIGKILL');
  }
});

/** A laptop on which rm takes its time, once it is to: a keeper begins each round with it. */
function holdRemoval({ env }: Laptop) {
  const bin = join(env.HOME ?? '', 'bin');
  const [slow, reached, go] = ['slow', 'reached', 'go'].map((name) => join(bin, name));
  const wait = `[ ! -e '${slow}' ] || { : >'${reached}'; until [ -e '${go}' ]; do sleep 0.05; done; }`;
  mkdirSync(bin);
  writeFileSync(join(bin, 'rm'), `#!/bin/sh\n${wait}\nPATH='${env.PATH}' exec rm "$@"\n`, { mode: 0o755 });
  env.PATH = `${bin}:${env.PATH}`;
  return {
    hold: () => writeFileSync(slow ?? '', ''),
    reached: () => eventually('rm runs', () => existsSync(reached ?? '')),
    letGo: () => writeFileSync(go ?? '', ''),
  };
}

test('stop leaves no process and no connection behind', async () => {
  await done(world.laptop, 'stop');
  assert.deepEqual(world.processes(), []);
  assert.deepEqual(readdirSync(join(world.laptop.stateFolder, 'c')), []);
});
