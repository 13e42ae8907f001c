import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { failed, failure } from '../hosts/failure.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { ports } from '../hosts/sshd.ts';
import { writeProgram } from '../hosts/stand-ins.ts';
import { eventually, makeWorld, type World, type WorldOptions } from '../hosts/world.ts';

/** What can go wrong on the way to a host. Each failure says what to do, and leaves nothing running. */

let world: World;
afterEach(() => world.remove());

async function begin(options: WorldOptions = {}): Promise<void> {
  world = await makeWorld(options);
}

test('an unknown name is reported as neither a server nor a Host of ssh_config', async () => {
  await begin();
  assert.match(
    await failure(world, 'no-such-host.invalid'),
    /^Error: cannot connect to no-such-host\.invalid: ssh: Could not resolve hostname no-such-host\.invalid: .+\n"no-such-host\.invalid" is not a server or a Host of SSHD\/ssh_config, and it cannot be resolved\. To list the hosts: remote-notebook hosts\n$/,
  );
});

test('a name that resembles a Host of ssh_config gets that one as a suggestion', async () => {
  await begin();
  const said = await failure(world, 'lopback');
  assert.match(said, /\nDid you mean loopback\? "lopback" is not a server or a Host of /);
});

test('a Host of ssh_config with an unknown HostName is not treated as a mistyped name', async () => {
  await begin();
  appendFileSync(world.sshd.sshConfig, 'Host gpu\n  HostName no-such-host.invalid\n');
  assert.match(
    await failure(world, 'gpu'),
    /\nSSHD\/ssh_config maps "gpu" to "no-such-host\.invalid", which cannot be resolved\. Check its HostName and ProxyJump, and that this machine is online\.\n$/,
  );
});

test('a port on which no sshd listens is reported', async () => {
  await begin();
  await world.sshd.stop();
  assert.equal(
    await failure(world, 'loopback'),
    `Error: cannot connect to loopback: ssh: connect to host 127.0.0.1 port SSHD: Connection refused
The machine is up, but no sshd listens on that port. Check the port and that sshd is running.
`,
  );
});

test('a key that the host refuses is reported, with the way to install one', async () => {
  await begin();
  writeFileSync(world.sshd.authorizedKeys, '');
  assert.equal(
    await failure(world, 'loopback'),
    `Error: cannot connect to loopback: ${userInfo().username}@127.0.0.1: Permission denied (publickey).
Install your key there: ssh-copy-id -F SSHD/ssh_config loopback (to see which keys ssh offers: ssh -F SSHD/ssh_config loopback -v). If it is installed, sshd's log on the host has the reason: a locked account, its login shell, AllowUsers, or the permissions of ~/.ssh.
`,
  );
});

test('without a terminal, an unknown host key is not accepted', async () => {
  await begin();
  writeFileSync(join(world.sshd.folder, 'known_hosts'), '');
  assert.equal(
    await failure(world, 'loopback'),
    `Error: cannot connect to loopback: Host key verification failed.
Connect once by hand, and compare the fingerprint before you accept it: ssh -F SSHD/ssh_config loopback
`,
  );
});

test('an option that ssh does not know is reported with its file and line', async () => {
  await begin();
  appendFileSync(world.sshd.sshConfig, 'NoSuchOption yes\n');
  assert.match(
    await failure(world, 'loopback'),
    /^Error: cannot connect to loopback: SSHD\/ssh_config: line \d+: Bad configuration option: nosuchoption\nFix line \d+ of SSHD\/ssh_config, or remove it\.\n$/,
  );
});

for (const forbids of [
  ['AllowTcpForwarding no', 'AllowStreamLocalForwarding no'],
  ['PermitOpen none'],
  ['DisableForwarding yes'],
])
  test(`a server is reached where sshd forbids forwarding: ${forbids.join(', ')}`, async () => {
    await begin({ sshdConfig: forbids });
    await started(world.laptop, ...(await ports()));
    const { state, jupyter } = await statusOf(world.laptop);
    assert.deepEqual([state, jupyter.state], ['connected', 'running']);
    await done(world.laptop, 'stop');
  });

test('if sshd does not allow sessions, the message names its option', async () => {
  await begin({ sshdConfig: ['MaxSessions 0'] });
  assert.equal(
    await failure(world, 'loopback'),
    `Error: cannot connect to loopback: mux_client_request_session: session request failed: Session open refused by peer
sshd on the host does not allow more sessions: see MaxSessions in its sshd_config.
`,
  );
});

test('a host that runs another command instead of ours is reported', async () => {
  await begin({ sshdConfig: ['ForceCommand echo This account is for copies only.'] });
  assert.equal(
    await failure(world, 'loopback'),
    `Error: loopback did not run our script; it printed: This account is for copies only.
The account must be allowed to run commands (see ForceCommand in sshd_config, and command= in authorized_keys), the host needs a POSIX /bin/sh, and no start-up file may end the shell. Try: echo 'echo works' | ssh -F SSHD/ssh_config loopback /bin/sh -s
`,
  );
});

for (const [what, line] of [
  ['lines', 'yes on and on'],
  ['a line', "yes 'on and on' | tr '\\n' ' '"],
] as const) {
  test(`a host whose start-up files print ${what} forever is reported, and its output is not read to the end`, async () => {
    await begin();
    writeFileSync(join(world.home, '.bashrc'), `${line}\n`);
    const told =
      /^Error: loopback keeps printing output; it printed: (on and on ?)+.*\nCheck its start-up files\. /;
    assert.match(await failure(world, 'loopback'), told);
  });
}

test('if the connection is lost during a start, nothing is left on the host', async () => {
  await begin();
  const begun = join(world.home, 'begun');
  const started = world.laptop.start(
    'start',
    'loopback',
    '{F}',
    '--no-browser',
    '--command',
    writeProgram(join(world.home, 'slow'), `touch ${begun}`, 'sleep 1000'),
  );
  await eventually('Jupyter boots', () => existsSync(begun));
  const sessions = execFileSync('pgrep', ['-P', String(world.sshd.pid())], { encoding: 'utf8' });
  await world.sshd.stop();
  for (const pid of sessions.trim().split('\n')) signalQuietly(Number(pid), 'SIGKILL');
  assert.match(await failed(world, await started.ended), /^Error: the connection to loopback was lost: /);
});
