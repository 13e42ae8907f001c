import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { STATUS_FILE } from '../../src/keeper/status.ts';
import { isPortFree } from '../../src/system/port.ts';
import { connectionFolder, keeperOf } from '../hosts/keeper.ts';
import { outside } from '../hosts/needs.ts';
import { done, started, statusOf, stderrOf } from '../hosts/servers.ts';
import { signalTo } from '../hosts/signal.ts';
import { ports } from '../hosts/sshd.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { eventually, makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** Real faults, one per test, each in a world of its own. */

let world: World;
beforeEach(() => begin());
afterEach(() => world.remove());

async function begin(...sshdConfig: string[]): Promise<void> {
  world = await makeWorld({ sshdConfig });
  await started(world.laptop, ...(await ports()));
}

function keeper() {
  return keeperOf(world.laptop);
}

const status = () => statusOf(world.laptop);

async function is(state: string): Promise<void> {
  await eventually(`the state is ${state}`, async () => (await status()).state === state);
}

/** The sshd process that serves this world's connection. */
function sessionProcess(): number {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const row = rows
    .map((line) => line.trim().split(/\s+/).map(Number))
    .find(([, parent]) => parent === world.sshd.pid());
  assert.ok(row?.[0]);
  return row[0];
}

test('a connection whose sshd process was killed is reconnected automatically', async () => {
  const { ssh } = keeper();
  process.kill(sessionProcess(), 'SIGKILL');
  await eventually(
    'another ssh is connected',
    () => keeper().phase === 'connected' && keeper().ssh?.pid !== ssh?.pid,
  );
  await is('connected');
});

/** Stops the keeper and its ssh for as long as a laptop sleeps. */
async function asleep(until: () => Promise<void>): Promise<void> {
  const { keeper: shell, ssh } = keeper();
  const pids = [shell?.pid ?? 0, ssh?.pid ?? 0];
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await until();
  for (const pid of pids) process.kill(pid, 'SIGCONT');
}

test('after a sleep so long that the host closed the connection, the tunnel reconnects automatically', async () => {
  await world.remove();
  await begin('ClientAliveInterval 1', 'ClientAliveCountMax 2');
  const { ssh } = keeper();
  await asleep(() =>
    eventually('the host cuts it', () => /Timeout, client not responding/.test(world.sshd.log())),
  );
  await eventually(
    'another ssh is connected',
    () => keeper().phase === 'connected' && keeper().ssh?.pid !== ssh?.pid,
  );
  await is('connected');
});

test('after a sleep longer than the keep-alive, the connection continues if the host has kept it', async () => {
  const { ssh } = keeper();
  // Its ssh checks the connection every 5 s, and gives up after three checks without a reply.
  await asleep(() => new Promise((resolve) => setTimeout(resolve, 20_000)));
  await is('connected');
  assert.deepEqual(keeper().ssh, ssh);
});

test('a key that was withdrawn is tried once; the local port stays ours until the user logs in', async () => {
  const attempts = () => world.sshd.log().match(/Connection from/g)?.length ?? 0;
  writeFileSync(world.sshd.authorizedKeys, '');
  const before = attempts();
  signalTo(keeper().ssh, 'SIGKILL');
  await is('needs-login');
  assert.match((await status()).tunnel.reason, /Permission denied/);
  assert.equal(attempts() - before, 1);
  const { localPort } = (await status()).tunnel;
  assert.equal(await isPortFree(localPort), false);
  writeFileSync(world.sshd.authorizedKeys, readFileSync(`${world.sshd.key}.pub`));
  await done(world.laptop, 'forward', 'loopback');
  await is('connected');
});

test('a host key that changed in the meantime is refused, and not tried again', async () => {
  const hostKey = join(world.sshd.folder, 'host_key');
  await world.sshd.stop();
  rmSync(hostKey);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', hostKey]);
  await world.sshd.start();
  signalTo(keeper().ssh, 'SIGKILL');
  await is('failed');
  assert.match((await status()).tunnel.reason, /HOST IDENTIFICATION HAS CHANGED/);
  const again = await stderrOf(1, world.laptop, 'forward', 'loopback');
  assert.match(again, /HOST IDENTIFICATION HAS CHANGED/);
});

test('a killed Jupyter is reported, with the end of its log', async () => {
  process.kill((await status()).jupyter.pid, 'SIGKILL');
  await is('degraded');
  const { jupyter: server } = await status();
  assert.equal(server.state, 'stopped');
  assert.match(server.log.join('\n'), /is running at/);
  const again = await started(world.laptop);
  assert.equal(again.joined, false);
});

test('a Jupyter that hangs is not reported as ended', async () => {
  const { pid } = (await status()).jupyter;
  process.kill(pid, 'SIGSTOP');
  const { jupyter: server, tunnel } = await status();
  assert.equal(server.state, 'unknown');
  assert.equal(tunnel.state, 'connected');
  process.kill(pid, 'SIGCONT');
  await eventually('it runs', async () => (await status()).jupyter.state === 'running');
});

test('after its control socket is deleted, only the connection is replaced', async () => {
  const { pid } = (await status()).jupyter;
  rmSync(join(connectionFolder(world.laptop), 'control'));
  const again = await started(world.laptop);
  assert.equal(again.jupyter.pid, pid);
  await done(world.laptop, 'stop');
  await noProcessIsLeft(world);
});

test('after the state folder is deleted, the next start connects to the running server', async () => {
  const { pid } = (await status()).jupyter;
  rmSync(world.laptop.stateFolder, { recursive: true });
  const again = await started(world.laptop);
  assert.equal(again.joined, true);
  assert.equal(again.jupyter.pid, pid);
});

const BROKEN_STATES: readonly (readonly [name: string, content: string])[] = [
  ['empty', ''],
  ['truncated', '{"version":1,"servers":{"loopback":{"server":{"name":"loo'],
  ['garbage', '\u0000\u0001\u0002'],
  ['a number', '7'],
  ['null', 'null'],
  ['a list', '[]'],
  ['without a version', '{"servers":{}}'],
  ['of an older version', '{"version":0,"servers":{}}'],
  ['with a record that has no field', '{"version":1,"servers":{"loopback":{}}}'],
  ['with a text where records should be', '{"version":1,"servers":"loopback"}'],
];

test('a corrupt state file is moved away, and the next start finds the running server', async () => {
  const file = join(world.laptop.stateFolder, 'state.json');
  const { pid } = (await status()).jupyter;
  for (const [name, content] of BROKEN_STATES) {
    writeFileSync(file, content);
    const again = await started(world.laptop);
    assert.equal(again.jupyter.pid, pid, name);
  }
  const aside = readdirSync(world.laptop.stateFolder).filter((entry) =>
    entry.startsWith('state.json.broken-'),
  );
  assert.equal(aside.length, BROKEN_STATES.length);
});

test('a state file of a newer version is reported and not changed', async () => {
  const file = join(world.laptop.stateFolder, 'state.json');
  writeFileSync(file, '{"version":99}');
  const refused = await stderrOf(1, world.laptop, 'status');
  assert.match(refused, /was written by a newer remote-notebook \(version 99\)/);
  assert.equal(readFileSync(file, 'utf8'), '{"version":99}');
});

test('another process with the old PID of a keeper, an ssh or a server is not ended', async () => {
  const innocent = spawn('sleep', ['1000'], { stdio: 'ignore' });
  try {
    const stateFile = join(connectionFolder(world.laptop), STATUS_FILE);
    const recordsFile = join(world.laptop.stateFolder, 'state.json');
    const state = keeper();
    for (const identity of [state.keeper, state.ssh]) signalTo(identity, 'SIGKILL');
    const forged = { pid: innocent.pid, startTime: state.keeper.startTime };
    writeFileSync(stateFile, JSON.stringify({ ...state, keeper: forged, ssh: forged }));
    const records = JSON.parse(readFileSync(recordsFile, 'utf8'));
    records.servers.loopback.jupyter.identity.pid = innocent.pid;
    writeFileSync(recordsFile, JSON.stringify(records));
    assert.equal((await status()).state, 'closed');
    await done(world.laptop, 'stop');
    assert.equal(innocent.exitCode ?? innocent.signalCode, null);
  } finally {
    innocent.kill('SIGKILL');
  }
});

test('a host that disconnects idle clients does not disconnect the tunnel', async () => {
  await world.remove();
  await begin('ClientAliveInterval 1', 'ClientAliveCountMax 3');
  const { ssh } = keeper();
  // The ends of the sessions of the start are reported late.
  const logged = () => world.sshd.log().match(/Connection from|Timeout, client/g)?.length;
  const before = logged();
  await new Promise((resolve) => setTimeout(resolve, 6000));
  assert.equal(keeper().ssh?.pid, ssh?.pid);
  assert.equal(logged(), before);
});

/** Runs a command without events of the file system: inotify(7) has a limit for each user. */
const WITHOUT_EVENTS = [
  'unshare',
  '-Ur',
  'sh',
  '-c',
  'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"',
  'sh',
] as const;
const [UNSHARE, ...UNSHARE_ARGS] = WITHOUT_EVENTS;

test('start and forward work even if inotify has no watches left', {
  skip: spawnSync(UNSHARE, [...UNSHARE_ARGS, 'true']).status !== 0 && outside('no user namespace can be had'),
}, async () => {
  const args = ['start', 'loopback', '-F', world.sshd.sshConfig, '--no-browser', '--name', 'other'];
  const child = spawn(UNSHARE, [...UNSHARE_ARGS, ...PROGRAM, ...args, ...(await ports())], {
    env: world.anotherLaptop().env,
    stdio: 'ignore',
  });
  assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
});

test('a host that stops responding is noticed, and no command waits for it forever', async () => {
  process.kill(world.sshd.pid(), 'SIGSTOP');
  try {
    signalTo(keeper().ssh, 'SIGKILL');
    await eventually('a try has had no answer', () => (keeper().tries ?? 0) > 1);
    const refused = await stderrOf(1, world.laptop, 'forward', 'loopback');
    assert.match(refused, /timed out/);
  } finally {
    process.kill(world.sshd.pid(), 'SIGCONT');
  }
  await is('connected');
});
