import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { makeAccount } from '../hosts/accounts.ts';
import { type Check, diagnosis, fine, makeHealthy, only } from '../hosts/diagnosis.ts';
import { NO_ACCOUNTS, NO_ROOT } from '../hosts/needs.ts';
import { makeNetwork } from '../hosts/network.ts';
import { done, started } from '../hosts/servers.ts';
import { ownLocalPort, ports } from '../hosts/sshd.ts';
import { withTakenPort } from '../hosts/taken-port.ts';
import { openTerminal } from '../hosts/terminal.ts';
import { PROGRAM, type World, type WorldOptions } from '../hosts/world.ts';

/** What doctor finds on the way to the host: from ssh_config to the login, and in what sshd allows. */

let world: World;
afterEach(() => world.remove());

async function begin(options: WorldOptions = {}): Promise<void> {
  world = await makeHealthy(options);
}

test('an option that ssh does not know is reported, and later steps are not checked', async () => {
  await begin();
  appendFileSync(world.sshd.sshConfig, 'NoSuchOption yes\n');
  assert.match(
    await only(world, 'ssh_config', 'failed'),
    /Bad configuration option: nosuchoption\nFix line \d+ of /,
  );
});

test('an unknown name is reported', async () => {
  await begin({ sshConfig: ['HostName no-such-host.invalid'] });
  assert.match(await only(world, 'name', 'failed'), /no-such-host\.invalid: .*\n.* maps "loopback" to/);
});

test('a host behind a jump host is reported as such, and its name is not resolved here', async () => {
  await begin();
  const { sshConfig, port } = world.sshd;
  const text = readFileSync(sshConfig, 'utf8');
  const proxy = `ProxyCommand ssh -F ${sshConfig} -W 127.0.0.1:${port} jump`;
  const inside = text.replace('HostName 127.0.0.1', `HostName inside.invalid\n  ${proxy}`);
  writeFileSync(sshConfig, `${inside}${text.replace('Host loopback', 'Host jump')}`);
  assert.match(await fine(world, 'ssh_config'), /@inside\.invalid, port \d+, by ProxyCommand$/);
  assert.equal(await fine(world, 'name'), 'not resolved here, but by the ProxyCommand');
  assert.equal(await fine(world, 'reach'), 'the connection goes through the ProxyCommand');
});

test('an unreachable host is reported', { skip: NO_ROOT }, async () => {
  const network = makeNetwork();
  try {
    await begin({ machine: network });
    network.cut();
    assert.match(
      await only(world, 'reach', 'failed'),
      /: (No route to host|Connection timed out)\n.*VPN or a ProxyJump\.$/,
    );
  } finally {
    network.remove();
  }
});

test('a port on which no sshd listens is reported', async () => {
  await begin();
  await world.sshd.stop();
  assert.match(
    await only(world, 'reach', 'failed'),
    /Connection refused\nThe machine is up, but no sshd listens/,
  );
});

test('a service other than sshd on the port is reported, and later steps are not checked', async () => {
  await begin();
  await withTakenPort(async (port) => {
    const { sshConfig } = world.sshd;
    writeFileSync(sshConfig, readFileSync(sshConfig, 'utf8').replace(/Port \d+/, `Port ${port}`));
    assert.match(
      await only(world, 'host key', 'failed'),
      /(closed|reset).*\nThe host closes the connection before the login/,
    );
    const { checks } = await diagnosis(world);
    const found = (name: string) => checks.find((check) => check.name === name)?.found;
    assert.equal(found('authentication'), 'not checked: host key');
    assert.equal(found('websocket'), 'not checked: host key');
  });
});

test('an unknown host key is reported, and stays unknown', async () => {
  await begin();
  const file = join(world.sshd.folder, 'known_hosts');
  writeFileSync(file, '');
  assert.match(await only(world, 'host key', 'failed'), /^unknown host key\nConnect once by hand/);
  assert.equal(readFileSync(file, 'utf8'), '');
});

test('a host key that has changed is reported, with the line of the old one', async () => {
  await begin();
  const other = readFileSync(`${world.sshd.key}.pub`, 'utf8');
  writeFileSync(join(world.sshd.folder, 'known_hosts'), `loopback ${other}`);
  assert.match(
    await only(world, 'host key', 'failed'),
    /HAS CHANGED!\n.* instead of SHA256:\S+ \(line 1 of /,
  );
});

test('a key that the host refuses is reported, with the way to install one', async () => {
  await begin();
  writeFileSync(world.sshd.authorizedKeys, '');
  assert.match(
    await only(world, 'authentication', 'failed'),
    /Permission denied \(publickey\)\.\nInstall your key there/,
  );
});

test('a passphrase that each reconnect would need is asked for, and reported', async () => {
  await begin();
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'open sesame', '-f', world.sshd.key]);
  assert.match(await only(world, 'authentication', 'failed'), /Permission denied/);
  const words = ['doctor', 'loopback', '-F', world.sshd.sshConfig, ...(await ownLocalPort())];
  const window = openTerminal([...PROGRAM, ...words], world.laptop.env);
  await window.saw('Enter passphrase for key');
  window.type('open sesame\n');
  assert.equal(await window.ended, 0, window.shown());
  assert.match(
    window.shown(),
    /✓ authentication +publickey\r\n! reconnect +each login asks a question, .*\r\n +→ Install a key/,
  );
  assert.match(window.shown(), /✓ configuration/);
});

test('a password that each reconnect would need is asked for, and reported', {
  skip: NO_ACCOUNTS,
}, async () => {
  const account = makeAccount('bash');
  try {
    execFileSync('chpasswd', { input: `${account.name}:correct horse\n` });
    await begin({
      account,
      sshdConfig: ['PubkeyAuthentication no', 'PasswordAuthentication yes', 'UsePAM yes'],
    });
    assert.match(
      await only(world, 'authentication', 'failed'),
      /Permission denied.*\nThe host requires password: run the command on a terminal/,
    );
    const words = ['doctor', 'loopback', '-F', world.sshd.sshConfig, ...(await ownLocalPort())];
    const window = openTerminal([...PROGRAM, ...words], world.laptop.env);
    await window.saw("'s password:");
    window.type('correct horse\n');
    assert.equal(await window.ended, 0, window.shown());
    assert.match(window.shown(), /✓ authentication +password\r\n! reconnect +each login asks a question/);
  } finally {
    await account.remove();
  }
});

const FORBIDDEN = ['AllowTcpForwarding no', 'AllowStreamLocalForwarding no'];

function foundBy(checks: readonly Check[], wanted: string): string {
  return checks.find(({ name }) => name === wanted)?.found ?? '';
}

test('before a server is running, an sshd that forbids forwarding fails no check', async () => {
  await begin({ sshdConfig: FORBIDDEN });
  for (const words of [await ownLocalPort(), await ports()]) {
    const { code, checks } = await diagnosis(world, ...words);
    assert.equal(code, 0);
    assert.equal(foundBy(checks, 'forwarding'), 'not checked: no server is running');
  }
});

test('where sshd forbids forwarding, doctor says how the tunnel works without, and checks the server through it', async () => {
  await begin({ sshdConfig: FORBIDDEN });
  await started(world.laptop, ...(await ownLocalPort()));
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 0);
  assert.match(
    foundBy(checks, 'forwarding'),
    /^not allowed by sshd; the tunnel uses a command .*MaxSessions/,
  );
  assert.match(foundBy(checks, 'api'), /^responds/);
  await done(world.laptop, 'stop', '--keep-server');
  const closed = await diagnosis(world);
  assert.equal(closed.code, 1);
  const api = closed.checks.find(({ name }) => name === 'api');
  assert.match(`${api?.found}\n${api?.fix}`, /does not respond: .*\n.*open the tunnel and try again/);
});

test('where sshd allows forwarding, doctor checks it to the server', async () => {
  await begin();
  const { jupyter } = await started(world.laptop, ...(await ownLocalPort()));
  const { code, checks } = await diagnosis(world);
  assert.equal(code, 0);
  assert.equal(foundBy(checks, 'forwarding'), `allowed to ${jupyter.socket}`);
});

test('an account that runs another command instead of ours is reported', async () => {
  await begin({ sshdConfig: ['ForceCommand echo This account is for copies only.'] });
  assert.match(
    await only(world, 'login shell', 'failed'),
    /copies only\.\nThe account must be allowed to run commands/,
  );
});
