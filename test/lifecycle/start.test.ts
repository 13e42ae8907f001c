import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldFor, worldPerTest } from '../hosts/lasting.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { done, serverRecord, started, stderrOf } from '../hosts/servers.ts';
import { freePort } from '../hosts/sshd.ts';
import { writeProgram } from '../hosts/stand-ins.ts';
import { withTakenPort } from '../hosts/taken-port.ts';
import { noProcessIsLeft, serverPids, serversOn } from '../hosts/traces.ts';
import { makeVenv } from '../hosts/venv.ts';
import { PROGRAM } from '../hosts/world.ts';

const world = worldPerTest();

test('start --json has the documented fields, and no token', async () => {
  const answer = JSON.parse(
    await done(world.laptop, 'start', 'loopback', '{F}', '--json', '--directory', '.'),
  );
  const { token } = serverRecord(world.laptop);
  assert.ok(token.length >= 32);
  assert.ok(!JSON.stringify(answer).includes(token));
  const { jupyter: server, tunnel } = answer;
  assert.equal(answer.joined, false);
  assert.deepEqual(Object.keys(answer.phases), ['connect', 'launch', 'jupyter', 'forward', 'prove']);
  assert.deepEqual(
    { ...answer, jupyter: 0, tunnel: 0, phases: 0 },
    {
      state: 'connected',
      name: 'loopback',
      destination: 'loopback',
      directory: world.home,
      url: `http://127.0.0.1:${tunnel.localPort}/`,
      jupyter: 0,
      tunnel: 0,
      resources: null,
      job: null,
      joined: false,
      phases: 0,
    },
  );
  const { state, port, command } = server;
  assert.deepEqual({ state, port, command }, { state: 'running', port: null, command: 'jupyter notebook' });
  assert.deepEqual(
    [typeof server.pid, typeof server.socket, typeof server.version],
    ['number', 'string', 'string'],
  );
  assert.ok(Date.parse(server.startedAt) > Date.now() - 600_000);
  assert.equal(tunnel.state, 'connected');
  assert.deepEqual(tunnel.forwards, [`127.0.0.1:${tunnel.localPort}:${server.socket}`]);
  assert.deepEqual([typeof tunnel.pid, Date.parse(tunnel.since) > 0], ['number', true]);
});

test('paths of the directory and the environment are resolved on the host as documented', async () => {
  const directory = join(world.home, 'my work');
  mkdirSync(directory);
  makeVenv(join(directory, 'venv'));
  for (const [name, environment] of [
    ['relative', 'venv'],
    ['home', '~/my work/venv'],
    ['absolute', join(directory, 'venv')],
  ] as const) {
    const answer = await started(
      world.laptop,
      '--name',
      name,
      '--directory',
      '~/my work',
      '--environment',
      environment,
    );
    assert.equal(answer.directory, directory);
    const program = readFileSync(`/proc/${answer.jupyter.pid}/cmdline`, 'utf8').split('\0');
    assert.equal(program[0], join(directory, 'venv', 'bin', 'python'), name);
    assert.ok('environment' in answer.phases);
  }
});

test('a directory is relative to the home folder, whatever CDPATH contains', async (context) => {
  const other = await worldFor(context, { environment: { CDPATH: world.home } });
  for (const { home } of [world, other]) mkdirSync(join(home, 'rne'));
  const words = ['start', 'loopback', '{F}', '--no-browser', '--json', '--directory', 'rne'];
  const { code, stdout, stderr } = await other.laptop.run(...words);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).directory, join(other.home, 'rne'));
});

test("a user's own command is read as a shell would read it", async () => {
  const answer = await started(world.laptop, '--command', 'nice -n 5 python3 -m notebook');
  assert.equal(answer.jupyter.command, 'nice -n 5 python3 -m notebook');
  assert.equal(getPriority(answer.jupyter.pid) - getPriority(), 5);
});

test('--command can consist of several commands', async () => {
  mkdirSync(join(world.home, 'elsewhere'));
  const answer = await started(
    world.laptop,
    '--command',
    'cd elsewhere && FROM="a;b" jupyter notebook --allow-root',
  );
  assert.match(readFileSync(`/proc/${answer.jupyter.pid}/environ`, 'utf8'), /\0FROM=a;b\0/);
  assert.equal(answer.directory, world.home);
  await done(world.laptop, 'stop');
  assert.deepEqual(serverPids(world), []);
});

test('a server behind a wrapper that keeps running is found by its token', async () => {
  writeProgram(join(world.home, 'wrap'), '"$@" &', 'wait');
  const answer = await started(world.laptop, '--command', './wrap jupyter-notebook');
  assert.match(readFileSync(`/proc/${answer.jupyter.pid}/cmdline`, 'utf8'), /jupyter-notebook/);
  await done(world.laptop, 'stop');
  assert.deepEqual(serverPids(world), []);
});

test('if a port is in use here or on the host, the next one is used, and the program that uses it is named', async () => {
  await withTakenPort(async (port) => {
    const words = ['start', 'loopback', '{F}', '--no-browser', '--port', String(port), '--verbose'];
    const { code, stderr } = await world.laptop.run(...words);
    assert.equal(code, 0, stderr);
    // Both ends of the tunnel are on this machine, so each needs another port. One line reports that.
    const notes = stderr.split('\n').filter((line) => /^ {2}! .*port/.test(line));
    const holder = `in use by \\S+ \\(PID ${process.pid}\\)`;
    const onHost = `Jupyter listens on port \\d+ of loopback: port ${port} is ${holder}`;
    const here = 'local port \\d+ is already in use by .*; using \\d+';
    assert.match(notes.join('\n'), new RegExp(`^ {2}! ${onHost}; ${here}$`));
    await world.laptop.run('stop');
    const local = await world.laptop.run(
      'start',
      'loopback',
      '{F}',
      '--no-browser',
      '--local-port',
      String(port),
    );
    assert.equal(local.code, 0, local.stderr);
    assert.match(
      local.stderr,
      new RegExp(`local port ${port} is already in use by .*\\(PID ${process.pid}\\); using \\d+\n`),
    );
    await world.laptop.run('stop');
    const other = String(await freePort());
    for (const [message, words] of [
      [`port ${port} of loopback is already in use`, ['--port', String(port)]],
      [`local port ${port} is already in use`, ['--port', other, '--local-port', String(port)]],
    ] as const) {
      const strict = await stderrOf(1, world.laptop, 'start', 'loopback', '{F}', '--strict-port', ...words);
      assert.match(strict, new RegExp(`Error: ${message} by .*\\(PID ${process.pid}\\)`));
      await noProcessIsLeft(world);
    }
  });
});

test('with any umask, only the user can read the written files', async () => {
  for (const umask of [0o000, 0o077]) {
    const before = process.umask(umask);
    try {
      await started(world.laptop);
    } finally {
      process.umask(before);
    }
    const { stateFolder } = world.laptop;
    const folders = execFileSync('find', [stateFolder, '-type', 'd', '!', '-perm', '0700'], {
      encoding: 'utf8',
    });
    const files = execFileSync('find', [stateFolder, '-type', 'f', '-perm', '/077'], { encoding: 'utf8' });
    assert.equal(folders + files, '');
    const servers = serversOn(world);
    assert.equal(execFileSync('find', [servers, '-type', 'f', '-perm', '/077'], { encoding: 'utf8' }), '');
    assert.equal(statSync(servers).mode & 0o077, 0);
    await world.laptop.run('stop');
  }
});

test('the token is not in the process list, and in no log', async () => {
  const { stdout } = await world.laptop.run('start', 'loopback', '{F}', '--no-browser');
  const token = new URL(stdout.trim()).searchParams.get('token') ?? '';
  assert.ok(token.length >= 32);
  for (const pid of world.processes()) {
    assert.ok(!commandLineOf(pid).includes(token), `in the arguments of ${pid}`);
  }
  const logs = await world.laptop.run('logs');
  assert.ok(logs.stdout.includes('is running at') && !logs.stdout.includes(token));
  const servers = serversOn(world);
  const holding = execFileSync('grep', ['-rl', '-e', 'token', servers], { encoding: 'utf8' })
    .trim()
    .split('\n');
  assert.ok(
    holding.every((file) => file.endsWith('server.json') || file.endsWith('log')),
    holding.join(),
  );
  const log = holding.find((file) => file.endsWith('log'));
  assert.ok(!log || !readFileSync(log, 'utf8').includes(token));
});

test('a dry run prints the commands and runs nothing', async () => {
  const { code, stdout } = await world.laptop.run('start', 'loopback', '{F}', '--dry-run');
  assert.equal(code, 0);
  assert.match(stdout, /^ssh -F .* -f -N -T -E \S+ -M -S .* loopback$/m);
  assert.match(stdout, / --keep .* loopback /);
  assert.match(stdout, /-- loopback 'exec \/bin\/sh -s'/);
  assert.match(stdout, /^# ssh .* -N -L 127\.0\.0\.1:8889:\/SOCKET -- loopback$/m);
  await noProcessIsLeft(world);
  assert.throws(() => statSync(world.laptop.stateFolder), /ENOENT/);
});

test('start works in a folder that was deleted', async () => {
  const gone = join(world.home, 'gone');
  mkdirSync(gone);
  const words = ['start', 'loopback', '-F', world.sshd.sshConfig, '--no-browser'];
  const line = `cd '${gone}' && rmdir '${gone}' && exec "$@"`;
  const { env } = world.laptop;
  const child = spawn('/bin/sh', ['-c', line, 'sh', ...PROGRAM, ...words], { env, stdio: 'ignore' });
  assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
});

test('--verbose shows each command as it runs', async () => {
  const { stderr } = await world.laptop.run('start', 'loopback', '{F}', '--no-browser', '--verbose');
  for (const words of [
    /\$ ssh .* -f -N -T -E \S+ -M -S /,
    /\$ .* --keep /,
    /\$ ssh .* 'exec \/bin\/sh -s' {2}< a script/,
  ]) {
    assert.match(stderr, words);
  }
});
