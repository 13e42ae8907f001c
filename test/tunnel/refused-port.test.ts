import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { missing, NO_ACCOUNTS } from '../hosts/needs.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** Local ports on which this user cannot listen, although they are free. */

let account: Account | undefined;
let world: World;
before(async () => {
  if (!NO_ACCOUNTS) account = makeAccount('sh');
  world = await makeWorld();
});
after(async () => {
  await account?.remove();
  await world.remove();
});

const skip = NO_ACCOUNTS || missing('unshare') || missing('setpriv');
const ROOT_ONLY = `cannot listen on local port 80 of 127.0.0.1: EACCES
Ports below 1024 are reserved for root: choose another local port.
`;

/** Runs remote-notebook as an ordinary user, in a network of its own, in which the ports below 1024 are for root. */
function asUser(...args: string[]) {
  const { uid = 0, gid = 0, home = '' } = account ?? {};
  const enter = ['ip link set lo up', `exec setpriv --reuid ${uid} --regid ${gid} --clear-groups "$@"`].join(
    '; ',
  );
  const command = ['-n', 'sh', '-c', enter, 'sh', 'env', `HOME=${home}`, ...PROGRAM, ...args];
  return spawnSync('unshare', command, { cwd: '/', env: { PATH: process.env.PATH }, encoding: 'utf8' });
}

/** An ssh_config that leaves a file behind when ssh reads it. */
function witness(): { sshConfig: string; wasRead: () => boolean } {
  const folder = makeFolder();
  chmodSync(folder, 0o777 | 0o1000);
  const [sshConfig, file] = [join(folder, 'ssh_config'), join(folder, 'was-read')];
  writeFileSync(sshConfig, `Match exec "touch ${file}"\n`);
  return { sshConfig, wasRead: () => existsSync(file) };
}

test('a local port that only root may use is reported as such, before the host is asked', { skip }, () => {
  const { sshConfig, wasRead } = witness();
  for (const words of [
    ['start', 'x.invalid', '--local-port', '80'],
    ['start', 'x.invalid', '--local-port', '80', '--strict-port'],
    ['start', 'x.invalid', '--local-port', '80', '--plain'],
  ]) {
    const { status, stderr } = asUser(...words, '-F', sshConfig, '--no-browser');
    assert.deepEqual([status, stderr], [1, `Error: ${ROOT_ONLY}`]);
  }
  assert.equal(wasRead(), false);
});

test('without --local-port, a server on a port below 1024 gets a local port that every user may use', {
  skip,
}, () => {
  const { sshConfig, wasRead } = witness();
  const { stderr } = asUser('start', 'x.invalid', '--port', '443', '-F', sshConfig, '--no-browser');
  assert.doesNotMatch(stderr, /listen|in use/);
  assert.equal(wasRead(), true);
});

test('doctor reports a local port that only root may use', { skip }, () => {
  const { stdout, stderr } = asUser('doctor', 'x.invalid', '--local-port', '80');
  assert.match(stdout + stderr, /local port .*cannot listen on local port 80 of 127.0.0.1: EACCES/);
});

test('forward reports an address that this machine does not have, and changes nothing', async () => {
  const { laptop } = world;
  await started(laptop, ...(await ports()));
  const before = await statusOf(laptop);
  // This address is for documentation only (RFC 5737).
  const { code, stderr } = await laptop.run('forward', 'loopback', '192.0.2.1:6006:localhost:6006');
  assert.equal(
    stderr,
    `Error: cannot listen on local port 6006 of 192.0.2.1: EADDRNOTAVAIL
No active network interface of this machine has the address 192.0.2.1.
`,
  );
  assert.equal(code, 1);
  assert.deepEqual((await statusOf(laptop)).tunnel.forwards, before.tunnel.forwards);
  await done(laptop, 'stop');
});
