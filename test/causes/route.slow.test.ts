import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldFor, worldPerFile } from '../hosts/lasting.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { makeNetwork } from '../hosts/network.ts';
import { freePort } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { withTakenPort } from '../hosts/taken-port.ts';
import { eventually } from '../hosts/world.ts';
import { advice, variant, withLines } from './advice.ts';

/** What can fail before the login, produced for real: `start` and `doctor` give the remedy for the cause. */

const world = await worldPerFile();
const { folder } = world.sshd;
const knownHosts = join(folder, 'known_hosts');

/** Does `work` while known_hosts has another text. */
async function withKnownHosts<T>(text: string, work: () => Promise<T>): Promise<T> {
  const before = readFileSync(knownHosts, 'utf8');
  writeFileSync(knownHosts, text);
  try {
    return await work();
  } finally {
    writeFileSync(knownHosts, before);
  }
}

function publicKey(type: string): string {
  const file = join(makeFolder('rn-key-'), 'key');
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', file]);
  return readFileSync(`${file}.pub`, 'utf8');
}

/** As ssh shows a key to users. */
function fingerprint(key: string): string {
  return execFileSync('ssh-keygen', ['-l', '-f', '-'], { input: key, encoding: 'utf8' }).split(' ')[1] ?? '';
}

test('for an option that ssh does not know, the advice names its line', async () => {
  for (const line of [
    'NoSuchOption yes',
    'StrictHostKeyChecking perhaps',
    'ConnectTimeout soon',
    'SetEnv "x',
  ]) {
    const { said, remedy, step } = await advice(world, withLines(world, `  ${line}`));
    assert.match(said, /SSHD\/ssh_config\d+:? line 2: /);
    assert.match(remedy, /^Fix line 2 of SSHD\/ssh_config\d+, or remove it\.$/);
    assert.equal(step, 'ssh_config');
  }
});

test('on a machine without ssh, the advice is to install it', async () => {
  const { env } = world.laptop;
  const before = env.PATH;
  const bin = makeFolder('rn-bin-');
  // Everything but ssh.
  for (const place of ['/usr/bin', '/bin'])
    execFileSync('sh', ['-c', `ln -sf ${place}/* "$1" && rm -f "$1"/ssh`, 'sh', bin]);
  env.PATH = bin;
  try {
    const { said, remedy, step } = await advice(world);
    assert.match(said, /ssh.*not (found|installed)/);
    assert.match(remedy, /^Install the package openssh-client/);
    assert.equal(step, 'ssh');
  } finally {
    env.PATH = before;
  }
});

test('a name that cannot be resolved is reported as neither a server nor a Host', async () => {
  const { said, remedy, step } = await advice(world, withLines(world, '  HostName no-such-host.invalid'));
  assert.match(said, /Could not resolve hostname no-such-host\.invalid/);
  assert.match(remedy, /maps "loopback" to "no-such-host\.invalid", which cannot be resolved/);
  assert.equal(step, 'name');
});

test('for a port on which nothing listens, the advice is to check the port and sshd', async () => {
  const { remedy, step } = await advice(world, withLines(world, `  Port ${await freePort()}`));
  assert.match(remedy, /no sshd listens on that port/);
  assert.equal(step, 'reach');
});

test('for a BindAddress that this machine does not have, the advice names the option', async () => {
  const { said, remedy } = await advice(world, withLines(world, '  BindAddress 192.0.2.77'));
  assert.match(said, /Cannot assign requested address$/);
  assert.match(remedy, /BindAddress/);
});

test('for a service that is not sshd, the advice shows what the service prints', async () => {
  await withTakenPort(async (port) => {
    const { remedy, step } = await advice(world, withLines(world, `  Port ${port}`));
    assert.match(remedy, /^Another service has that port: it prints "HTTP\/1\.1 400 Bad Request"\./);
    assert.equal(step, 'host key');
  }, 'HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>\r\n');
});

test('if sshd accepts no more logins at once, the advice names MaxStartups', async (context) => {
  const busy = await worldFor(context);
  const file = join(busy.sshd.folder, 'sshd_config');
  await busy.sshd.stop();
  writeFileSync(file, readFileSync(file, 'utf8').replace('MaxStartups 100', 'MaxStartups 1'));
  await busy.sshd.start();
  let socket: Socket | undefined;
  // sshd may still count the connection that found it listening, and turns this one away then.
  await eventually('sshd greets', async () => {
    socket = connect(busy.sshd.port, '127.0.0.1').on('error', () => {});
    const greeting = await new Promise((resolve) => {
      socket?.once('data', resolve).once('close', () => resolve(''));
    });
    return String(greeting).startsWith('SSH-');
  });
  try {
    const { said, remedy } = await advice(busy);
    assert.match(said, /kex_exchange_identification/);
    assert.match(remedy, /MaxStartups/);
  } finally {
    socket?.destroy();
  }
});

test('if the host closes the connection at once, the advice names a block of this machine as a possible cause', async () => {
  await withTakenPort(async (port) => {
    const { said, remedy } = await advice(world, withLines(world, `  Port ${port}`));
    assert.match(said, /kex_exchange_identification/);
    assert.match(remedy, /fail2ban/);
  });
});

test('for a changed host key of any type, the advice shows both keys', async () => {
  const now = fingerprint(readFileSync(join(folder, 'host_key.pub'), 'utf8'));
  for (const type of ['ed25519', 'ecdsa', 'rsa']) {
    const key = publicKey(type);
    await withKnownHosts(`# mine\nloopback ${key}`, async () => {
      const { said, remedy, step } = await advice(world);
      assert.equal(said, 'cannot connect to loopback: WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!');
      assert.equal(
        remedy,
        `loopback shows ${now} (ED25519) instead of ${fingerprint(key)} (line 2 of SSHD/known_hosts). Somebody may be intercepting the connection: ask the administrator. Only if you know that the machine was reinstalled or replaced, remove the old key: ssh-keygen -R loopback -f SSHD/known_hosts`,
      );
      assert.equal(step, 'host key');
    });
  }
});

test('for a changed host key, the advice has the line that removes it from known_hosts, by its name there', async () => {
  const name = `[127.0.0.1]:${world.sshd.port}`;
  await withKnownHosts(`${name} ${publicKey('rsa')}gpu ${publicKey('rsa')}`, async () => {
    execFileSync('ssh-keygen', ['-q', '-H', '-f', knownHosts], { stdio: 'ignore' });
    const { remedy } = await advice(
      world,
      variant(world, (text) => text.replace('  HostKeyAlias loopback\n', '')),
    );
    const line = /ssh-keygen -R .*$/.exec(remedy)?.[0].replaceAll('SSHD', folder) ?? '';
    execFileSync('sh', ['-c', line], { stdio: 'ignore' });
    assert.equal(readFileSync(knownHosts, 'utf8').trim().split('\n').length, 1);
  });
});

test('for a revoked host key, the advice is not to connect', async () => {
  const key = readFileSync(join(folder, 'host_key.pub'), 'utf8');
  await withKnownHosts(`@revoked loopback ${key}`, async () => {
    const { said, remedy } = await advice(world);
    assert.match(said, /REVOKED HOST KEY DETECTED!$/);
    assert.match(remedy, /^Do not connect: this key was withdrawn/);
  });
});

test('for an unknown host key, the advice is to compare it by hand', async () => {
  await withKnownHosts('', async () => {
    const { remedy, step } = await advice(world);
    assert.match(remedy, /^Connect once by hand, and compare the fingerprint before you accept it: ssh -F /);
    assert.equal(step, 'host key');
  });
});

test('if the address is known with another key, the advice names the command that removes that key', {
  skip: NO_ROOT,
}, async (context) => {
  const machine = makeNetwork();
  context.after(() => machine.remove());
  // A name that is not written like the address: its number.
  const number = machine.address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const far = await worldFor(context, {
    machine,
    sshConfig: [`HostName ${number}`, 'CheckHostIP yes', 'StrictHostKeyChecking yes'],
  });
  const known = join(far.sshd.folder, 'known_hosts');
  appendFileSync(known, `[${machine.address}]:${far.sshd.port} ${publicKey('ed25519')}`);
  const { said, remedy, step } = await advice(far);
  assert.match(said, /differs from the key for the IP address/);
  assert.match(remedy, /ssh-keygen -f "SSHD\/known_hosts" -R "\[198\.1[89]\.\d+\.\d+\]:\d+"$/);
  assert.equal(step, 'host key');
});

for (const [what, sshdConfig, remedies] of [
  ['kex', ['KexAlgorithms diffie-hellman-group14-sha1'], /KexAlgorithms \+diffie-hellman-group14-sha1$/],
  ['cipher', ['Ciphers aes128-cbc'], /Ciphers \+aes128-cbc$/],
  ['MAC', ['MACs hmac-md5', 'Ciphers aes128-ctr'], /MACs \+hmac-md5$/],
] as const) {
  test(`for an sshd that offers only an old ${what}, the advice is the option that accepts it`, async (context) => {
    const old = await worldFor(context, { sshdConfig });
    const { said, remedy, step } = await advice(old);
    assert.match(said, /Unable to negotiate/);
    assert.match(remedy, remedies);
    assert.equal(step, 'host key');
    const option = /: (\S+ \+\S+)$/.exec(remedy)?.[1];
    const config = withLines(old, `  ${option}`);
    execFileSync('ssh', ['-F', config, '-o', 'BatchMode=yes', 'loopback', 'true']);
  });
}

test('for an sshd that offers only an ssh-rsa key, the advice is the options that accept it', async (context) => {
  const rsa = join(makeFolder('rn-key-'), 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', rsa]);
  const old = await worldFor(context, { sshdConfig: ['HostKeyAlgorithms ssh-rsa', `HostKey ${rsa}`] });
  const { said, remedy } = await advice(old);
  assert.match(said, /no matching host key type found\. Their offer: ssh-rsa$/);
  assert.match(remedy, /HostKeyAlgorithms \+ssh-rsa and PubkeyAcceptedAlgorithms \+ssh-rsa$/);
  writeFileSync(join(old.sshd.folder, 'known_hosts'), `loopback ${readFileSync(`${rsa}.pub`, 'utf8')}`);
  const config = withLines(old, '  HostKeyAlgorithms +ssh-rsa', '  PubkeyAcceptedAlgorithms +ssh-rsa');
  execFileSync('ssh', ['-F', config, '-o', 'BatchMode=yes', 'loopback', 'true']);
});
