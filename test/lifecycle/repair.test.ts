import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { askJupyter, done, type Shown, serverRecord, started } from '../hosts/servers.ts';
import { signalTo } from '../hosts/signal.ts';
import { freePort, ownLocalPort, ports } from '../hosts/sshd.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { eventually } from '../hosts/world.ts';

/** What status --repair finds again when the records are lost: by connections, keepers and the host's own records. */

const world = worldPerTest();

async function shown(...args: string[]): Promise<Shown[]> {
  return JSON.parse((await world.laptop.run('status', '--json', ...args)).stdout).servers;
}

function loseRecords(content?: string): void {
  const file = join(world.laptop.stateFolder, 'state.json');
  if (content === undefined) rmSync(file);
  else writeFileSync(file, content);
}

/** The parts of a status that must not differ: all except those that change with time. */
function lasting(servers: readonly Shown[]): unknown {
  return servers
    .map(({ state, name, url, jupyter, tunnel }) => [
      state,
      name,
      url,
      jupyter.pid,
      tunnel.pid,
      tunnel.forwards,
    ])
    .sort();
}

test('servers whose records were lost are found again, each with its tunnel, ports and token', async () => {
  await started(world.laptop, '--name', 'one', ...(await ports()));
  await started(world.laptop, '--name', 'two', ...(await ownLocalPort()));
  for (const name of ['one', 'two']) {
    const port = await freePort();
    await done(world.laptop, 'forward', name, `${port}:localhost:1`);
  }
  const before = await shown();
  const { token } = serverRecord(world.laptop, 'one');
  loseRecords();
  assert.deepEqual(await shown(), []);
  const repaired = await world.laptop.run('status', '--repair');
  assert.equal(repaired.code, 0, repaired.stdout + repaired.stderr);
  assert.match(repaired.stderr, /Found again: "one" on loopback\.\n/);
  assert.match(repaired.stderr, /Found again: "two" on loopback\.\n/);
  assert.deepEqual(lasting(await shown()), lasting(before));
  assert.equal(serverRecord(world.laptop, 'one').token, token);
  const [one] = before;
  assert.ok(await askJupyter(one?.tunnel.localPort ?? 0, token, '/api/status'));
});

test('status --repair does not give a server the name of one that was started with --plain', async () => {
  await started(world.laptop);
  const { spec } = JSON.parse(readFileSync(join(world.laptop.stateFolder, 'state.json'), 'utf8')).servers
    .loopback;
  loseRecords(JSON.stringify({ version: 1, servers: {}, article: { loopback: { spec } } }));
  const { stderr } = await world.laptop.run('status', '--repair');
  assert.match(
    stderr,
    /two servers have the name "loopback"; .* was started without --plain, .*: remote-notebook stop --plain loopback\n/,
  );
  assert.deepEqual(
    (await shown()).map(({ name }) => name),
    ['loopback'],
  );
  loseRecords();
  assert.match((await world.laptop.run('status', '--repair')).stderr, /Found again: "loopback"/);
});

test('start, forward and stop work for the servers that status --repair found', async () => {
  const before = await started(world.laptop, ...(await ports()));
  loseRecords('{"version":1,"servers":{"loopb');
  const repaired = await world.laptop.run('status', '--repair');
  assert.match(repaired.stderr, /is corrupt; moved to/);
  const again = await started(world.laptop);
  assert.deepEqual([again.joined, again.jupyter.pid], [true, before.jupyter.pid]);
  await done(world.laptop, 'stop');
  await noProcessIsLeft(world);
});

test('status --repair does not change a recorded server, and does not record one of another laptop', async () => {
  await started(world.laptop, ...(await ports()));
  await started(world.anotherLaptop(), '--name', 'theirs', ...(await ports()));
  const before = lasting(await shown());
  const repaired = await world.laptop.run('status', '--repair');
  assert.match(repaired.stderr, /No running server is missing from the state file\./);
  assert.deepEqual(lasting(await shown()), before);
});

test('status --repair reports a connection that is down, since it cannot check its servers', async () => {
  await started(world.laptop, ...(await ports()));
  process.kill(world.sshd.pid(), 'SIGSTOP');
  signalTo(keeperOf(world.laptop).ssh, 'SIGKILL');
  await eventually('the keeper has noticed', () => keeperOf(world.laptop).phase === 'reconnecting');
  loseRecords();
  const repaired = await world.laptop.run('status', '--repair');
  process.kill(world.sshd.pid(), 'SIGCONT');
  assert.match(repaired.stderr, /the connection to loopback is down, so its servers are unknown/);
});

test('a host cannot give a server a name that leads out of the state folder', async () => {
  await started(world.laptop, ...(await ports()));
  const record = join(serverRecord(world.laptop).folder, 'record');
  const named = '/../../../evil';
  writeFileSync(record, readFileSync(record, 'utf8').replace(/^name .*$/m, `name ${named}`));
  loseRecords();
  const repaired = await world.laptop.run('status', '--repair');
  assert.match(repaired.stderr, /No running server is missing from the state file\./);
  assert.deepEqual(await shown(), []);
});
