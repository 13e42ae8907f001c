import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { failed, failure } from '../hosts/failure.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { PHASES } from '../hosts/phases.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { whereIs } from '../hosts/shells.ts';
import { ports } from '../hosts/sshd.ts';
import { writeProgram } from '../hosts/stand-ins.ts';
import { eventually } from '../hosts/world.ts';

/** What can go wrong on a host after the connection. Each failure says what to do, and leaves nothing running. */

const world = worldPerTest();

test('a directory that does not exist is reported with a remedy', async () => {
  assert.equal(
    await failure(world, 'loopback', '--directory', 'no where'),
    `Error: the directory "no where" does not exist on loopback, or cannot be entered
Create it first, or choose another with --directory (relative to the home folder).
`,
  );
});

test('an environment that does not exist is reported with the command that creates it', async () => {
  mkdirSync(join(world.home, 'rne'));
  assert.equal(
    await failure(world, 'loopback', '--directory', 'rne', '--environment', 'my env'),
    `Error: the environment "my env" does not exist on loopback: it has no bin/activate
Searched in HOME/rne. To create it, add --install, or run there: python3 -m venv 'my env' && 'my env/bin/pip' install jupyterlab
`,
  );
});

test('a command that does not exist is reported with the places that were searched', async () => {
  assert.match(
    await failure(world, 'loopback', '--command', 'jupiter lab'),
    /^Error: jupiter was not found on loopback\. Searched: \/.*:\/.*\nCheck the spelling\. Give its full path in --command, or name its environment with --environment\.\n$/,
  );
});

test('a Jupyter that ends while it starts fails with the last lines of its log', async () => {
  const command = writeProgram(
    join(world.home, 'broken'),
    'echo "first words"',
    'echo "last words, token=abc" >&2',
    'exit 3',
  );
  assert.equal(
    await failure(world, 'loopback', '--command', command),
    `Error: Jupyter ended on loopback while it started. The end of its log:
  first words
  last words, token=…
`,
  );
});

test('a start fails if Jupyter ends before it responds, even if another program then listens on its port', async () => {
  const [phase] = PHASES.filter(({ name }) => name === 'prove');
  const [, port = ''] = await ports();
  const start = world.laptop.start(
    'start',
    'loopback',
    '{F}',
    '--no-browser',
    '--port',
    port,
    ...(phase?.prepare(world) ?? []),
  );
  await phase?.reach(world, start);
  const server = world.processes().find((pid) => /jupyter-(lab|notebook)/.test(commandLineOf(pid)));
  assert.ok(server);
  process.kill(server, 'SIGKILL');
  const thief = createServer();
  try {
    await eventually('the port is taken', () => listens(thief, Number(port)));
    assert.match(
      await failed(world, await start.ended),
      /^Error: Jupyter ended on loopback while it started\. The end of its log:\n/,
    );
  } finally {
    thief.close();
  }
});

/** Listens on a port, and never answers; false while the port is in use. */
function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
}

test('a Jupyter that ends without output is reported as such', async () => {
  assert.equal(
    await failure(world, 'loopback', '--command', writeProgram(join(world.home, 'silent'), 'exit 3')),
    `Error: Jupyter ended on loopback while it started. Its log is empty.
`,
  );
});

test('a Jupyter that does not start in time is stopped, with all processes that it has started', async () => {
  const command = writeProgram(
    join(world.home, 'slow'),
    'echo "loading the world"',
    'sleep 1000 &',
    'sleep 1000',
  );
  assert.equal(
    await failure(world, 'loopback', '--command', command, '--timeout', '4'),
    `Error: Jupyter did not start on loopback within 4 s, and was stopped. The end of its log:
  loading the world
Allow more time with --timeout SECONDS.
`,
  );
});

test('a Jupyter that does not start in time is stopped even if it ignores TERM', async () => {
  const command = writeProgram(
    join(world.home, 'deaf'),
    "trap '' TERM",
    'sleep 1000 &',
    'while :; do sleep 1; done',
  );
  assert.equal(
    await failure(world, 'loopback', '--command', command, '--timeout', '1'),
    `Error: Jupyter did not start on loopback within 1 s, and was stopped. Its log is empty.
Allow more time with --timeout SECONDS.
`,
  );
});

/** What the scripts on the host need, apart from Jupyter. */
const TOOLS =
  'sh bash awk cat chmod cksum cut date env grep head id ln ls mkdir mktemp mv nohup od ps readlink rm rmdir sed setsid sleep sort ss tail tr uname wc'.split(
    ' ',
  );

/** Launches also search these folders, whatever PATH contains. */
const elsewhere = ['/usr/local/bin', '/opt/conda/bin'].find((folder) => existsSync(join(folder, 'jupyter')));

test('a host without Jupyter fails with the places that were searched and the command that installs it', {
  skip: elsewhere !== undefined && `this machine has a jupyter in ${elsewhere}`,
}, async () => {
  const tools = join(world.sshd.folder, 'tools');
  mkdirSync(tools);
  for (const tool of TOOLS) {
    const path = whereIs(tool);
    if (path) symlinkSync(path, join(tools, tool));
  }
  const config = join(world.sshd.folder, 'sshd_config');
  const text = readFileSync(config, 'utf8');
  // A login shell that reads no start-up files: those of the system would lead to the Jupyter of this machine.
  const shell = writeProgram(join(world.home, 'login-shell'), 'shift 3', 'exec /bin/sh -c "$@"');
  writeFileSync(config, text.replace('SetEnv ', `SetEnv "PATH=${tools}" "SHELL=${shell}" `));
  await world.sshd.stop();
  await world.sshd.start();
  const message = await failure(world, 'loopback');
  assert.match(
    message,
    /^Error: jupyter was not found on loopback\. Searched: SSHD\/tools:HOME\/\.local\/bin:.* \(and by the login shell, HOME\/login-shell\)\n/,
  );
  assert.match(
    message,
    /\nAdd --install to install it in \.venv in the directory \(as python3 -m venv \.venv && \.venv\/bin\/pip install jupyterlab does\), or name its environment with --environment\.\n$/,
  );
});
