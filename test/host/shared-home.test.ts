import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Check } from '../hosts/diagnosis.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { makeNetwork, type Network } from '../hosts/network.ts';
import { started, statusOf, stderrOf } from '../hosts/servers.ts';
import { makeSshd, type Sshd } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/** A destination that stands for two login nodes with one home folder; the second is an sshd with another name and address. */

const skip = NO_ROOT;

let world: World;
let network: Network | undefined;
let node2: Sshd | undefined;
before(async () => {
  const temporary = makeFolder('rn-tmp-');
  world = await makeWorld({ environment: { TMPDIR: temporary } });
  if (skip) return;
  network = makeNetwork();
  // A temporary folder of its own, as each machine has: the other one's socket is not there.
  const enterNode = 'mount -t tmpfs tmpfs "$1" && hostname "$0" && shift && exec "$@"';
  const namespaces = ['unshare', '--uts', '--mount', 'sh', '-c', enterNode, 'login2', temporary];
  const enter = [...network.enter, ...namespaces];
  node2 = await makeSshd({
    environment: { HOME: world.home, REMOTE_NOTEBOOK_TEST: readMark(world) },
    machine: { ...network, enter },
  });
});
after(async () => {
  await node2?.remove();
  network?.remove();
  await world.remove();
});

function readMark({ laptop }: World): string {
  return laptop.env.REMOTE_NOTEBOOK_TEST ?? '';
}

/** Points the destination to this sshd, as a round-robin name does. */
function leadTo(sshd: Sshd, address: string): void {
  appendFileSync(
    join(world.sshd.folder, 'known_hosts'),
    readFileSync(join(sshd.folder, 'known_hosts'), 'utf8'),
  );
  appendFileSync(sshd.authorizedKeys, readFileSync(world.sshd.authorizedKeys));
  const config = readFileSync(world.sshd.sshConfig, 'utf8');
  writeFileSync(
    world.sshd.sshConfig,
    config.replace(/HostName .*\n {2}Port \d+/, `HostName ${address}\n  Port ${sshd.port}`),
  );
}

test('a server on another node of a pool is reported, and not marked as ended, stopped or started twice', {
  skip,
}, async () => {
  if (!node2 || !network) return;
  const { jupyter: server, tunnel } = await started(world.laptop);
  leadTo(node2, network.address);
  process.kill(tunnel.pid, 'SIGKILL');
  const message = `the server is running on ${hostname()}, but loopback connected to login2 this time`;
  await eventually('the tunnel leads to the other node', async () => {
    const { stdout } = await world.laptop.run('status', '--json');
    return JSON.parse(stdout).servers[0].jupyter.reason?.startsWith(`${message}. `);
  });
  const status = await world.laptop.run('status', '--json');
  const [spec] = JSON.parse(status.stdout).servers;
  assert.deepEqual([status.code, spec.state, spec.jupyter.state], [3, 'degraded', 'unknown']);
  assert.match((await world.laptop.run('status')).stdout, new RegExp(`^ {2}${message}\\.`, 'm'));
  const all = JSON.parse((await world.laptop.run('status', 'loopback', '--all', '--json')).stdout);
  assert.deepEqual([all.node, all.elsewhere], ['login2', [{ name: 'loopback', node: hostname() }]]);
  assert.equal(
    all.servers.some(({ pid }: { pid: number }) => pid === server.pid),
    false,
  );
  const file = join(world.home, `.local/share/jupyter/runtime/nbserver-${server.pid}.json`);
  assert.ok(all.absent.includes(file));
  assert.ok(existsSync(file));
  for (const verb of [['start', 'loopback', '{F}', '--no-browser'], ['stop'], ['restart'], ['clean']]) {
    const { code, stderr } = await world.laptop.run(...verb);
    assert.equal(code, verb[0] === 'clean' ? 0 : 1, verb.join(' '));
    if (code === 1) assert.match(stderr, new RegExp(message), verb.join(' '));
  }
  const doctor = await world.laptop.run('doctor', 'loopback', '{F}', '--json');
  const checks: Check[] = JSON.parse(doctor.stdout).checks;
  const { found, verdict } = checks.find(({ name }) => name === 'server') ?? {};
  assert.deepEqual([found, verdict], [message, 'warning']);
  assert.equal(checks.find(({ name }) => name === 'api')?.found, 'not checked: server');
  const other = await stderrOf(1, world.anotherLaptop(), 'start', 'loopback', '{F}', '--no-browser');
  assert.match(other, new RegExp(`${message}[\\s\\S]*ssh loopback rm -r /`));
  assert.ok(world.processes().includes(server.pid));
  leadTo(world.sshd, '127.0.0.1');
  process.kill((await statusOf(world.laptop)).tunnel.pid, 'SIGKILL');
  await eventually(
    'the tunnel leads to the server again',
    async () => (await world.laptop.run('status')).code === 0,
  );
  const again = await statusOf(world.laptop);
  assert.equal(again.jupyter.pid, server.pid);
});
