import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { done, type Shown, started } from '../hosts/servers.ts';
import { freePort } from '../hosts/sshd.ts';

/** What `status --all` shows of all hosts that are known here. */

const world = await worldPerFile();
/** An ssh_config with the world's host under two names, and a host that nobody answers for. */
const sshConfig = join(world.home, 'hosts.conf');
let own: Shown;
before(async () => {
  const loopback = readFileSync(world.sshd.sshConfig, 'utf8');
  const gone = `Host gone\n  HostName 127.0.0.1\n  Port ${await freePort()}\n`;
  writeFileSync(sshConfig, `${loopback}\n${loopback.replace('Host loopback', 'Host second')}\n${gone}`);
  own = await started(world.laptop, '--name', 'mine', '-F', sshConfig);
});

function configure(...destinations: string[]): void {
  const entries = destinations.map((destination) => `  on-${destination}: { destination: ${destination} }\n`);
  mkdirSync(dirname(world.laptop.configurationFile), { recursive: true, mode: 0o700 });
  writeFileSync(world.laptop.configurationFile, `servers:\n${entries.join('')}`, { mode: 0o600 });
}

test('status HOST --all uses the ssh_config with which a server there was started', async () => {
  const { servers } = JSON.parse(await done(world.laptop, 'status', 'loopback', '--all', '--json'));
  assert.ok(servers.some(({ pid }: { pid: number }) => pid === own.jupyter.pid));
});

test('status --all asks each recorded or configured host once, and shows the host of each server', async () => {
  configure('loopback', 'second');
  const table = await done(world.laptop, 'status', '--all', '-F', sshConfig);
  assert.match(table, /^HOST +PID +PORT /);
  for (const host of ['loopback', 'second'])
    assert.equal(table.match(new RegExp(`^${host} +${own.jupyter.pid} `, 'gm'))?.length, 1, table);
  const { hosts } = JSON.parse(await done(world.laptop, 'status', '--all', '--json', '-F', sshConfig));
  assert.deepEqual(
    hosts.map(({ destination }: { destination: string }) => destination),
    ['loopback', 'second'],
  );
});

test('a host that does not respond has its own line, and the other hosts are still listed', async () => {
  configure('gone');
  const { code, stdout } = await world.laptop.run('status', '--all', '-F', sshConfig);
  assert.equal(code, 1);
  assert.match(stdout, new RegExp(`^loopback +${own.jupyter.pid} `, 'm'));
  assert.match(stdout, /^gone: .*Connection refused/m);
  const shown = JSON.parse((await world.laptop.run('status', '--all', '--json', '-F', sshConfig)).stdout);
  assert.deepEqual(Object.keys(shown.hosts[1]), ['destination', 'error']);
});
