import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { freePort, makeSshd, type SshdOptions } from '../hosts/sshd.ts';
import { writeProgram } from '../hosts/stand-ins.ts';
import { advice, variant, withLines } from './advice.ts';

/** What can fail on a jump host or in a ProxyCommand: its own message is the cause, not the one of ssh that it ended. */

const world = await worldPerFile();
const jump = await makeSshd();
after(() => jump.remove());

/** An ssh_config in which the world's host is behind the jump host. */
function behind(change: (text: string) => string = (text) => text, jumpConfig = jump.sshConfig): string {
  return variant(
    world,
    (text) =>
      change(text).replace('Host loopback\n', 'Host loopback\n  ProxyJump jump\n') +
      readFileSync(jumpConfig, 'utf8').replace('Host loopback', 'Host jump'),
  );
}

test('the message of a failed ProxyCommand is shown, not the one of ssh that it ended', async () => {
  const proxy = writeProgram(join(world.home, 'proxy'), "echo 'Not logged in. Run: vpn login' >&2; exit 1");
  const config = withLines(world, `  ProxyCommand ${proxy} %h`);
  const { said, remedy, step } = await advice(world, config);
  assert.equal(said, 'cannot connect to loopback by its ProxyCommand: Not logged in. Run: vpn login');
  assert.match(remedy, /^This is what the ProxyCommand of SSHD\/ssh_config\d+ printed\. Do what it asks for/);
  assert.equal(step, 'reach');
});

test('a ProxyCommand that fails without a message is reported as the cause', async () => {
  const { said, remedy } = await advice(world, withLines(world, '  ProxyCommand false'));
  assert.match(said, /^cannot connect to loopback by its ProxyCommand: .*UNKNOWN port 65535/);
  assert.match(remedy, /^The ProxyCommand of SSHD\/ssh_config\d+ ended, and printed no reason\./);
});

test('if the program of a ProxyCommand is not installed, the advice names the program', async () => {
  for (const [program, line] of [
    ['no-such-program', 'no-such-program %h'],
    ['/no/such/program', '/no/such/program %h'],
    ['/etc/passwd', '/etc/passwd %h'],
    ['no-such-program', 'cat </dev/null | no-such-program %h'],
  ] as const) {
    const { remedy, step } = await advice(world, withLines(world, `  ProxyCommand ${line}`));
    assert.ok(
      remedy.startsWith(`The ProxyCommand cannot run ${program} on this machine. Install it, or`),
      remedy,
    );
    assert.equal(step, 'reach');
  }
});

test('if a jump host refuses the key, the advice is to install the key on the jump host', async () => {
  const keys = readFileSync(jump.authorizedKeys, 'utf8');
  writeFileSync(jump.authorizedKeys, '');
  try {
    const { said, remedy, step } = await advice(world, behind());
    assert.match(
      said,
      /^cannot connect to loopback by its jump host jump: .*Permission denied \(publickey\)\.$/,
    );
    assert.match(remedy, /^Install your key there: ssh-copy-id -F SSHD\/ssh_config\d+ jump /);
    assert.equal(step, 'reach');
  } finally {
    writeFileSync(jump.authorizedKeys, keys);
  }
});

test("a jump host's unknown or changed key is its own, not the host's", async () => {
  const known = join(jump.folder, 'known_hosts');
  const text = readFileSync(known, 'utf8');
  try {
    writeFileSync(known, '');
    const unknown = await advice(world, behind());
    assert.match(unknown.said, / by its jump host jump: Host key verification failed\.$/);
    assert.match(unknown.remedy, /^Connect once by hand, .*: ssh -F SSHD\/ssh_config\d+ jump$/);
    writeFileSync(known, `loopback ${readFileSync(`${jump.key}.pub`, 'utf8')}`);
    const changed = await advice(world, behind());
    assert.match(changed.said, / by its jump host jump: WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!$/);
    assert.match(changed.remedy, /^jump shows SHA256:\S+ \(ED25519\) instead of SHA256:\S+ \(line 1 of /);
    assert.ok(changed.remedy.endsWith(`: ssh-keygen -R loopback -f ${known}`), changed.remedy);
  } finally {
    writeFileSync(known, text);
  }
});

test('if a jump host cannot be reached or resolved, the message names it', async () => {
  const to = (line: RegExp, other: string) => {
    const file = join(jump.folder, 'other');
    writeFileSync(file, readFileSync(jump.sshConfig, 'utf8').replace(line, other));
    return behind(undefined, file);
  };
  const refused = await advice(world, to(/Port \d+/, `Port ${await freePort()}`));
  assert.match(
    refused.said,
    / by its jump host jump: ssh: connect to host 127\.0\.0\.1 port \d+: Connection refused$/,
  );
  const unknown = await advice(world, to(/HostName .*/, 'HostName jump.invalid'));
  assert.match(unknown.said, / by its jump host jump: ssh: Could not resolve hostname jump\.invalid/);
  assert.match(unknown.remedy, /maps "jump" to "jump\.invalid", which cannot be resolved/);
});

test('if a jump host cannot resolve the host, the advice is to use another name or address', async () => {
  const { remedy } = await advice(
    world,
    behind((text) => text.replace(/HostName .*/, 'HostName inside.invalid')),
  );
  assert.match(remedy, /^jump cannot resolve the HostName that SSHD\/ssh_config\d+ gives\./);
});

test('if the host behind a working jump host is down, the advice is to check the host', async () => {
  const port = await freePort();
  const { said, remedy } = await advice(
    world,
    behind((text) => text.replace(/Port \d+/, `Port ${port}`)),
  );
  assert.match(said, /connect failed: Connection refused$/);
  assert.match(remedy, /^jump works, but cannot connect to the host\./);
});

test('if a jump host does not forward, the advice names the jump host and its option', async () => {
  const options: SshdOptions = { sshdConfig: ['AllowTcpForwarding no'] };
  const closed = await makeSshd(options);
  try {
    const { remedy, step } = await advice(world, behind(undefined, closed.sshConfig));
    assert.match(
      remedy,
      /^sshd on jump does not forward to other hosts: see AllowTcpForwarding and PermitOpen/,
    );
    assert.equal(step, 'reach');
  } finally {
    await closed.remove();
  }
});

test('if a host behind a jump host refuses the key, the advice is to install the key on that host', async () => {
  const keys = readFileSync(world.sshd.authorizedKeys, 'utf8');
  writeFileSync(world.sshd.authorizedKeys, '');
  try {
    const { remedy, step } = await advice(world, behind());
    assert.match(remedy, /^Install your key there: ssh-copy-id -F SSHD\/ssh_config\d+ loopback /);
    assert.equal(step, 'authentication');
  } finally {
    writeFileSync(world.sshd.authorizedKeys, keys);
  }
});
