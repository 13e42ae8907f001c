import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { PHASES } from '../hosts/phases.ts';
import { whereIs } from '../hosts/shells.ts';
import { ports, type SshdOptions } from '../hosts/sshd.ts';
import { commandLineOf, traces } from '../hosts/traces.ts';
import { eventually, type Finished, makeWorld, type World } from '../hosts/world.ts';

/** What can go wrong on the way to a host and on it. Each failure says what to do, and leaves nothing running. */

let world: World;
afterEach(() => world.remove());

async function begin(options: SshdOptions = {}): Promise<void> {
  world = await makeWorld(options);
}

/** Starts a notebook that cannot be started: what the user reads then, behind the phases that it came through. */
async function failure(...args: string[]): Promise<string> {
  return failed(await world.laptop.run('start', ...args, '{F}', '--no-open'));
}

async function failed({ code, stdout, stderr }: Finished): Promise<string> {
  assert.equal(code, 1, stderr);
  assert.equal(stdout, '');
  await nothingIsLeft();
  return stderr
    .slice(stderr.indexOf('Error: '))
    .replaceAll(world.sshd.folder, 'SSHD')
    .replaceAll(world.home, 'HOME')
    .replaceAll(`port ${world.sshd.port}`, 'port SSHD');
}

/** The host's shell hands over its lock and ends a moment after it has answered. */
async function nothingIsLeft(): Promise<void> {
  await eventually('nothing is left', () => traces(world, world.laptop).length === 0, 20_000).catch(() =>
    assert.deepEqual(traces(world, world.laptop), []),
  );
}

const FORBIDDEN =
  /^Error: the sshd of loopback forbids to forward to Jupyter \(port \d+\)\nIt is for its administrator to allow: AllowTcpForwarding and PermitOpen in sshd_config, or the restrictions of your key in authorized_keys\.\n$/;

/** A program in the host's home folder, for --command. */
function script(name: string, ...lines: string[]): string {
  const path = join(world.home, name);
  writeFileSync(path, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
  return path;
}

test('a name that nobody knows is said to be neither a notebook nor a Host of ssh_config', async () => {
  await begin();
  assert.match(
    await failure('no-such-host.invalid'),
    /^Error: cannot connect to no-such-host\.invalid: ssh: Could not resolve hostname no-such-host\.invalid: .+\n"no-such-host\.invalid" is neither a notebook nor a Host of SSHD\/ssh_config, and no name server knows it\. See: remote-notebook hosts\n$/,
  );
});

test('a name that is nearly a Host of ssh_config is answered with that one', async () => {
  await begin();
  const said = await failure('lopback');
  assert.match(said, /\nDid you mean loopback\? "lopback" is neither a notebook nor a Host of /);
});

test('a port on which no sshd listens is told', async () => {
  await begin();
  await world.sshd.stop();
  assert.equal(
    await failure('loopback'),
    `Error: cannot connect to loopback: ssh: connect to host 127.0.0.1 port SSHD: Connection refused
The machine is there, but no sshd listens on that port. Is it the right port, and is sshd running?
`,
  );
});

test('a key that the host refuses is told, with the way to install one', async () => {
  await begin();
  writeFileSync(world.sshd.authorizedKeys, '');
  assert.equal(
    await failure('loopback'),
    `Error: cannot connect to loopback: ${userInfo().username}@127.0.0.1: Permission denied (publickey).
Install your key there: ssh-copy-id -F SSHD/ssh_config loopback (which keys are offered now tells: ssh -F SSHD/ssh_config loopback -v)
`,
  );
});

test('a host key that has changed is a warning, with the line of the old one, and no way around it', async () => {
  await begin();
  const other = readFileSync(`${world.sshd.key}.pub`, 'utf8');
  writeFileSync(join(world.sshd.folder, 'known_hosts'), `loopback ${other}`);
  assert.equal(
    await failure('loopback'),
    `Error: cannot connect to loopback: WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!
Somebody may be listening in, or the host was set up anew. Ask its administrator; the old key is line 1 of SSHD/known_hosts.
`,
  );
});

test('a host that was never met is not trusted where nobody can be asked', async () => {
  await begin();
  writeFileSync(join(world.sshd.folder, 'known_hosts'), '');
  assert.equal(
    await failure('loopback'),
    `Error: cannot connect to loopback: Host key verification failed.
Connect once by hand, and compare the fingerprint before you accept it: ssh -F SSHD/ssh_config loopback
`,
  );
});

test('an option that ssh does not know is told by its file and line', async () => {
  await begin();
  appendFileSync(world.sshd.sshConfig, 'NoSuchOption yes\n');
  assert.match(
    await failure('loopback'),
    /^Error: cannot connect to loopback: SSHD\/ssh_config: line \d+: Bad configuration option: nosuchoption\nMend the option in SSHD\/ssh_config\.\n$/,
  );
});

test('a directory that is not there is told', async () => {
  await begin();
  assert.equal(
    await failure('loopback', '--directory', 'no where'),
    `Error: the directory "no where" is not there on loopback, or cannot be entered
Name another with --directory (relative to the home folder), or make it there first.
`,
  );
});

test('an environment that is not there is told, with the way to make it', async () => {
  await begin();
  mkdirSync(join(world.home, 'rne'));
  assert.equal(
    await failure('loopback', '--directory', 'rne', '--environment', 'my env'),
    `Error: the environment "my env" is not there on loopback: there is no bin/activate in it
It is looked for in HOME/rne. Make it there: python3 -m venv 'my env' && 'my env/bin/pip' install jupyterlab
`,
  );
});

test('a command that is not there is told, with where it was looked for', async () => {
  await begin();
  assert.match(
    await failure('loopback', '--command', 'jupiter lab'),
    /^Error: jupiter is not installed on loopback, or not where it is looked for: \/.*:\/.*\nIs it written as on the host\? Give its whole path in --command, or name its environment with --environment\.\n$/,
  );
});

test('Jupyter that ends while it starts is told by the last lines of its log', async () => {
  await begin();
  const command = script('broken', 'echo "first words"', 'echo "last words, token=abc" >&2', 'exit 3');
  assert.equal(
    await failure('loopback', '--command', command),
    `Error: Jupyter ended on loopback while it started. The end of its log:
  first words
  last words, token=…
`,
  );
});

test('Jupyter that ends without a word is told, too', async () => {
  await begin();
  assert.equal(
    await failure('loopback', '--command', script('silent', 'exit 3')),
    `Error: Jupyter ended on loopback while it started. Its log is empty.
`,
  );
});

test('Jupyter that does not come up in time is ended, with all that it has started', async () => {
  await begin();
  const command = script('slow', 'echo "loading the world"', 'sleep 1000 &', 'sleep 1000');
  assert.equal(
    await failure('loopback', '--command', command, '--timeout', '1'),
    `Error: Jupyter did not come up on loopback within 1 s, and was ended. The end of its log:
  loading the world
Give it longer with --timeout SECONDS.
`,
  );
});

test('Jupyter that does not come up in time and is deaf to TERM is ended all the same', async () => {
  await begin();
  const command = script('deaf', "trap '' TERM", 'sleep 1000 &', 'while :; do sleep 1; done');
  assert.equal(
    await failure('loopback', '--command', command, '--timeout', '1'),
    `Error: Jupyter did not come up on loopback within 1 s, and was ended. Its log is empty.
Give it longer with --timeout SECONDS.
`,
  );
});

test('Jupyter that ends before it answers is told, though somebody else listens on its port by then', async () => {
  await begin();
  const [phase] = PHASES.filter(({ name }) => name === 'prove');
  const [, port = ''] = await ports();
  const start = world.laptop.start(
    'start',
    'loopback',
    '{F}',
    '--no-open',
    '--port',
    port,
    ...(phase?.prepare(world) ?? []),
  );
  await phase?.reach(world, start);
  const server = world.processes().find((pid) => /jupyter-(lab|notebook)/.test(commandLineOf(pid)));
  process.kill(server ?? 0, 'SIGKILL');
  const thief = createServer();
  try {
    await eventually('the port is taken', () => listens(thief, Number(port)));
    assert.match(
      await failed(await start.ended),
      /^Error: Jupyter ended on loopback while it started\. The end of its log:\n/,
    );
  } finally {
    thief.close();
  }
});

/** Says nothing to whoever comes. */
function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
}

test('an sshd that allows no forwarding is named, with its option', async () => {
  await begin({ sshdConfig: ['AllowTcpForwarding no'] });
  assert.match(await failure('loopback'), FORBIDDEN);
});

test('an sshd that permits to open nothing is named, with its option', async () => {
  await begin({ sshdConfig: ['PermitOpen none'] });
  assert.match(await failure('loopback'), FORBIDDEN);
});

test('an sshd that allows no sessions is named, with its option', async () => {
  await begin({ sshdConfig: ['MaxSessions 0'] });
  assert.equal(
    await failure('loopback'),
    `Error: cannot connect to loopback: mux_client_request_session: session request failed: Session open refused by peer
The host's sshd allows no more sessions at once: MaxSessions in its sshd_config.
`,
  );
});

test('a host that runs something else than what it is told is found out', async () => {
  await begin({ sshdConfig: ['ForceCommand echo This account is for copies only.'] });
  assert.equal(
    await failure('loopback'),
    `Error: loopback did not run what it was told, and said: This account is for copies only.
It takes an account that may run commands, and a POSIX /bin/sh. Try: echo 'echo works' | ssh -F SSHD/ssh_config loopback /bin/sh -s
`,
  );
});

for (const [what, line] of [
  ['lines', 'yes on and on'],
  ['a line', "yes 'on and on' | tr '\\n' ' '"],
] as const) {
  test(`a host whose start-up files print ${what} without end is told, and not listened to`, async () => {
    await begin();
    writeFileSync(join(world.home, '.bashrc'), `${line}\n`);
    const told =
      /^Error: loopback answers without end, and said: (on and on ?)+.*\nLook at its start-up files\. /;
    assert.match(await failure('loopback'), told);
  });
}

test('a host whose start-up files wait without end is told, and not waited for', async () => {
  await begin();
  writeFileSync(join(world.home, '.bashrc'), 'echo choose a project; exec sleep 70\n');
  assert.match(
    await failure('loopback'),
    /^Error: loopback has not run a script within 60 s, and said: choose a project\nLook at its start-up files\. /,
  );
});

test('a Host of ssh_config whose HostName nobody knows is not taken for a mistyped name', async () => {
  await begin();
  appendFileSync(world.sshd.sshConfig, 'Host gpu\n  HostName no-such-host.invalid\n');
  assert.match(
    await failure('gpu'),
    /\nSSHD\/ssh_config leads from "gpu" to "no-such-host\.invalid", which no name server knows: is its HostName or ProxyJump right, and this machine online\?\n$/,
  );
});

/** What the scripts on the host need, Jupyter not among it. */
const TOOLS =
  'sh bash awk cat chmod cksum cut date env grep head id ln ls mkdir mv nohup od ps readlink rm rmdir sed setsid sleep sort ss tail tr uname'.split(
    ' ',
  );

/** Launches look there too, whatever PATH says. */
const elsewhere = ['/usr/local/bin', '/opt/conda/bin'].find((folder) => existsSync(join(folder, 'jupyter')));

test('a host without Jupyter is told, with where it was looked for and how to install it', {
  skip: elsewhere !== undefined && `this machine has a jupyter in ${elsewhere}`,
}, async () => {
  await begin();
  const tools = join(world.sshd.folder, 'tools');
  mkdirSync(tools);
  for (const tool of TOOLS) {
    const path = whereIs(tool);
    if (path) symlinkSync(path, join(tools, tool));
  }
  const config = join(world.sshd.folder, 'sshd_config');
  const text = readFileSync(config, 'utf8');
  // A login shell that reads no start-up file: the system's own would lead to the Jupyter of this machine.
  const shell = script('login-shell', 'shift 3', 'exec /bin/sh -c "$@"');
  writeFileSync(config, text.replace('SetEnv ', `SetEnv "PATH=${tools}" "SHELL=${shell}" `));
  await world.sshd.stop();
  await world.sshd.start();
  const message = await failure('loopback');
  assert.match(
    message,
    /^Error: jupyter is not installed on loopback, or not where it is looked for: SSHD\/tools:HOME\/\.local\/bin:.* \(and by the login shell, HOME\/login-shell\)\n/,
  );
  assert.match(
    message,
    /\nInstall it there \(python3 -m pip install --user jupyterlab\), or name its environment with --environment\.\n$/,
  );
});

test('a host that is lost in the middle of a start keeps nothing of it', async () => {
  await begin();
  const begun = join(world.home, 'begun');
  const started = world.laptop.start(
    'start',
    'loopback',
    '{F}',
    '--no-open',
    '--command',
    script('slow', `touch ${begun}`, 'sleep 1000'),
  );
  await eventually('Jupyter boots', () => existsSync(begun));
  const sessions = execFileSync('pgrep', ['-P', String(world.sshd.pid())], { encoding: 'utf8' });
  await world.sshd.stop();
  for (const pid of sessions.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
  assert.match(await failed(await started.ended), /^Error: the connection to loopback was lost: /);
});
