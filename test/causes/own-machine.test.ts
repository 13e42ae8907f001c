import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { makeFolder } from '../hosts/standing.ts';
import { PROGRAM } from '../hosts/world.ts';
import { withLines } from './advice.ts';

/** Causes on this machine that need mounts or a network of their own, and what --verbose shows. */

const world = await worldPerFile();
const needs = { skip: NO_ROOT };

/** Runs `start` and `doctor` after these lines of sh, with a network and mounts of their own. Returns what both print. */
function inOwnMachine(lines: readonly string[], ...args: readonly string[]): string[] {
  const script = [...lines, 'exec "$@"'].join('\n');
  return [
    ['start', ...args, '--no-browser'],
    ['doctor', ...args],
  ].map((words) => {
    const command = ['--net', '--mount', 'sh', '-euc', script, 'sh', ...PROGRAM, ...words];
    const { stdout, stderr } = spawnSync('unshare', command, { env: world.laptop.env, encoding: 'utf8' });
    return stdout + stderr;
  });
}

function assertBoth(printed: readonly string[], ...patterns: readonly RegExp[]): void {
  for (const text of printed) for (const pattern of patterns) assert.match(text, pattern);
}

test('for an ssh_config that others can change, the advice is the command that forbids it', needs, () => {
  const folder = makeFolder('rn-ssh-');
  const ssh = join(userInfo().homedir, '.ssh');
  mkdirSync(ssh, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'config'), 'Host gpu\n  HostName 127.0.0.1\n');
  chmodSync(join(folder, 'config'), 0o666);
  assertBoth(
    inOwnMachine([`mount --bind '${folder}' '${ssh}'`], 'gpu'),
    /Bad owner or permissions on .*\/\.ssh\/config/,
    /It must belong to you: chmod 600 .*\/\.ssh\/config/,
  );
});

test('if no name server responds, the advice is to check the network and the VPN', needs, () => {
  const resolv = join(makeFolder('rn-resolv-'), 'resolv.conf');
  writeFileSync(resolv, 'nameserver 192.0.2.1\noptions timeout:1 attempts:1\n');
  const lines = [`mount --bind '${resolv}' /etc/resolv.conf`];
  const [start = ''] = inOwnMachine(lines, 'gpu.example.org');
  assert.match(start, /Temporary failure in name resolution/);
  assert.match(start, /No name server responds\. Check that this machine is online/);
});

for (const [route, message, remedy] of [
  ['prohibit', /: Permission denied/, /does not let ssh connect: check its firewall/],
  [
    'unreachable',
    /: No route to host/,
    /Check that this machine is online, and whether the host needs a VPN/,
  ],
] as const) {
  test(`for a route of type "${route}", the advice fits the error`, needs, () => {
    const config = withLines(world, '  HostName 192.0.2.1');
    const lines = ['ip link set lo up', `ip route add ${route} 192.0.2.0/24`];
    const [start = ''] = inOwnMachine(lines, 'loopback', '-F', config);
    assert.match(start, message);
    assert.match(start, remedy);
  });
}

test('--verbose shows all output of ssh and its proxy', async () => {
  const config = withLines(world, '  ProxyCommand no-such-program %h');
  const args = ['loopback', '-F', config, '--verbose'];
  const start = await world.laptop.run('start', '--no-browser', ...args);
  // A proxy that ends before ssh has written to it makes ssh say "Broken pipe".
  assert.match(start.stderr, /no-such-program: not found\n[\s\S]*UNKNOWN port 65535(: Broken pipe)?\r\n/);
  const doctor = await world.laptop.run('doctor', ...args);
  assert.match(doctor.stderr, /debug1: Executing proxy command: exec no-such-program/);
  const quiet = await world.laptop.run('start', '--no-browser', ...args.slice(0, -1));
  assert.doesNotMatch(quiet.stderr, /UNKNOWN port/);
});
