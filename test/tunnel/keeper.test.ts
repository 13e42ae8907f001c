import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { isPortFree } from '../../src/system/port.ts';
import { keeperOf } from '../hosts/keeper.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { signalQuietly, signalTo } from '../hosts/signal.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { eventually } from '../hosts/world.ts';

/** What happens to a tunnel: each test really breaks one thing, and checks the result. */

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

test('a killed ssh is replaced at once, on the same port', async () => {
  const { ssh } = keeper();
  const { url } = await status();
  signalTo(ssh, 'SIGKILL');
  await connectedAgain(ssh?.pid);
  assert.equal((await status()).url, url);
});

test('a killed keeper is noticed, and the next start replaces it', async () => {
  const before = keeper();
  const { url } = await status();
  signalTo(before.keeper, 'SIGKILL');
  await eventually('status sees it', async () => (await status()).state === 'closed');
  const joined = await world.laptop.run('start', 'loopback', '{F}', '--no-browser', '--json');
  assert.equal(joined.code, 0, joined.stderr);
  assert.equal(JSON.parse(joined.stdout).joined, true);
  assert.equal(JSON.parse(joined.stdout).url, url);
  assert.notEqual(keeper().keeper?.pid, before.keeper?.pid);
});

test('a suspended session does not delay the next connection', async () => {
  const startUp = join(world.home, '.bashrc');
  writeFileSync(startUp, '[ -z "$SSH_CONNECTION" ] || sleep 1000\n');
  const first = keeper().ssh;
  signalTo(first, 'SIGKILL');
  await eventually('its session waits', () => session() !== undefined && keeper().ssh?.pid !== first?.pid);
  const stopped = session();
  assert.ok(stopped);
  const second = keeper().ssh;
  process.kill(stopped, 'SIGSTOP');
  try {
    rmSync(startUp);
    signalTo(second, 'SIGKILL');
    await eventually(
      'another ssh is connected',
      () => keeper().phase === 'connected' && keeper().ssh?.pid !== second?.pid,
      20_000,
    );
  } finally {
    signalQuietly(stopped, 'SIGKILL');
    // On the host, a session that had begun would wait on.
    for (const pid of world.processes())
      if (commandLineOf(pid) === 'sleep 1000') signalQuietly(pid, 'SIGKILL');
  }
});

/** The keeper's own session, if it is open. */
function session(): number | undefined {
  return world.processes().find((pid) => commandLineOf(pid).endsWith(' master true'));
}

test('when sshd is running again, the tunnel reconnects automatically', async () => {
  const { ssh } = keeper();
  await world.sshd.stop();
  signalTo(ssh, 'SIGKILL');
  await eventually('sshd refuses', () => /Connection refused/.test(keeper().output ?? ''));
  const away = await status();
  assert.equal(away.state, 'reconnecting');
  assert.match(away.tunnel.reason, /Connection refused/);
  await world.sshd.start();
  await connectedAgain(ssh?.pid);
});

test('while the host is away nobody else can take the local port', async () => {
  const { localPort } = (await status()).tunnel;
  const { ssh } = keeper();
  await world.sshd.stop();
  signalTo(ssh, 'SIGKILL');
  await eventually('it reconnects', () => keeper().phase === 'reconnecting' && keeper().tries > 1);
  assert.equal(await isPortFree(localPort), false);
  await world.sshd.start();
  await connectedAgain(ssh?.pid);
});

test('while the host is away, status shows since when, the next try, the last message and how much will be sent', async () => {
  const before = await status();
  assert.deepEqual([before.tunnel.resumes, before.tunnel.buffered], [true, null]);
  await world.sshd.stop();
  signalTo(keeper().ssh, 'SIGKILL');
  await eventually(
    'sshd has refused a try',
    () => keeper().tries > 1 && /Connection refused/.test(keeper().output ?? ''),
  );
  const browser = connect(before.tunnel.localPort, '127.0.0.1').on('error', () => {});
  try {
    browser.write(Buffer.alloc(12_345));
    await eventually('the bytes are counted', async () => ((await status()).tunnel.buffered ?? 0) >= 12_345);
    const { tunnel } = await status();
    assert.ok(tunnel.since > before.tunnel.since && tunnel.tries > 1, JSON.stringify(tunnel));
    assert.match(tunnel.reason, /Connection refused/);
    const { code, stdout } = await world.laptop.run('status');
    assert.equal(code, 3);
    assert.match(stdout, / reconnecting \(try \d+, (now|in \d+ s)\) /);
    assert.match(
      stdout,
      /^ {2}no connection to loopback for \d+ s; 1\d kB from this machine will be sent when it is back$/m,
    );
    assert.match(stdout, /^ {2}ssh: connect to host .*: Connection refused$/m);
  } finally {
    browser.destroy();
    await world.sshd.start();
  }
  await connectedAgain(undefined);
});

test('a keeper whose folder has vanished ends itself when its ssh ends', async () => {
  const other = world.anotherLaptop();
  const port = String(await freePort());
  await started(other, '--local-port', port);
  const state = keeperOf(other);
  rmSync(other.stateFolder, { recursive: true, maxRetries: 5 });
  // It would notice by itself within a second.
  signalQuietly(state.ssh?.pid ?? 0, 'SIGKILL');
  await eventually('the keeper is gone', () => !world.processes().includes(state.keeper?.pid ?? 0));
});

test('a keeper that is ended while it logs in leaves no ssh behind', async () => {
  const other = world.anotherLaptop();
  const port = String(await freePort());
  await started(other, '--local-port', port);
  const before = world.processes();
  const state = keeperOf(other);
  process.kill(world.sshd.pid(), 'SIGSTOP');
  try {
    signalTo(state.ssh, 'SIGKILL');
    await eventually('it logs in', () => keeperOf(other).tries > 0);
    process.kill(state.keeper.pid, 'SIGTERM');
    await eventually('the keeper is gone', () => !world.processes().includes(state.keeper.pid));
    await eventually('its ssh is gone', () => world.processes().every((pid) => before.includes(pid)));
  } finally {
    process.kill(world.sshd.pid(), 'SIGCONT');
  }
});

test('stop leaves no process and no connection behind', async () => {
  await done(world.laptop, 'stop');
  await nothingIsLeft(world);
});
