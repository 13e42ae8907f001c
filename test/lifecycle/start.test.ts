import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isPortFree } from '../../src/system/port.ts';
import { startByHand } from '../hosts/by-hand.ts';
import { worldFor, worldPerTest } from '../hosts/lasting.ts';
import { done, serverRecord, started, stderrOf } from '../hosts/servers.ts';
import { freePort } from '../hosts/sshd.ts';
import { writeProgram } from '../hosts/stand-ins.ts';
import { withTakenPort } from '../hosts/taken-port.ts';
import { serverPids, serversOn } from '../hosts/traces.ts';
import { makeVenv } from '../hosts/venv.ts';
import { eventually, PROGRAM } from '../hosts/world.ts';

const world = worldPerTest();

test('what start says in JSON is what scripts may rely on, and holds no token', async () => {
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
      url: `http://127.0.0.1:${tunnel.localPort}/tree`,
      jupyter: 0,
      tunnel: 0,
      resources: null,
      joined: false,
      phases: 0,
    },
  );
  const { state, socket, command } = server;
  assert.deepEqual(
    { state, socket, command },
    { state: 'running', socket: null, command: 'jupyter notebook' },
  );
  assert.deepEqual(
    [typeof server.pid, typeof server.port, typeof server.version],
    ['number', 'number', 'string'],
  );
  assert.ok(Date.parse(server.startedAt) > Date.now() - 600_000);
  assert.equal(tunnel.state, 'connected');
  assert.deepEqual(tunnel.forwards, [`127.0.0.1:${tunnel.localPort}:127.0.0.1:${server.port}`]);
  assert.deepEqual([typeof tunnel.pid, Date.parse(tunnel.since) > 0], ['number', true]);
});

test('the directory and the environment are found where the user means them on the host', async () => {
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

test('a directory is that of the home folder, whatever CDPATH has by the same name', async (context) => {
  const other = await worldFor(context, { environment: { CDPATH: world.home } });
  for (const { home } of [world, other]) mkdirSync(join(home, 'rne'));
  const words = ['start', 'loopback', '{F}', '--no-browser', '--json', '--directory', 'rne'];
  const { code, stdout, stderr } = await other.laptop.run(...words);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).directory, join(other.home, 'rne'));
});

test("a command of the user's own is run as their shell would read it", async () => {
  const answer = await started(world.laptop, '--command', 'nice -n 5 python3 -m notebook');
  assert.equal(answer.jupyter.command, 'nice -n 5 python3 -m notebook');
  assert.equal(getPriority(answer.jupyter.pid) - getPriority(), 5);
});

test('a command of more than one command is one, and the server is reported from them', async () => {
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

test('a wrapper that stays is no obstacle: the server is found by its token', async () => {
  writeProgram(join(world.home, 'wrap'), '"$@" &', 'wait');
  const answer = await started(world.laptop, '--command', './wrap jupyter-notebook');
  assert.match(readFileSync(`/proc/${answer.jupyter.pid}/cmdline`, 'utf8'), /jupyter-notebook/);
  await done(world.laptop, 'stop');
  assert.deepEqual(serverPids(world), []);
});

test('a port that is taken here or on the host is no failure: the next is taken, and its holder named', async () => {
  await withTakenPort(async (port) => {
    const words = ['start', 'loopback', '{F}', '--no-browser', '--port', String(port)];
    const { code, stderr } = await world.laptop.run(...words);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      new RegExp(`port ${port} of loopback is already in use by .*\\(PID ${process.pid}\\)`),
    );
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
      new RegExp(`local port ${port} is already in use by .*\\(PID ${process.pid}\\); trying the next one`),
    );
    await world.laptop.run('stop');
    const other = String(await freePort());
    for (const [message, words] of [
      [`port ${port} of loopback is already in use`, ['--port', String(port)]],
      [`local port ${port} is already in use`, ['--port', other, '--local-port', String(port)]],
    ] as const) {
      const strict = await stderrOf(1, world.laptop, 'start', 'loopback', '{F}', '--strict-port', ...words);
      assert.match(strict, new RegExp(`Error: ${message} by .*\\(PID ${process.pid}\\)`));
      assert.deepEqual(world.processes(), []);
    }
  });
});

test('the holder of a taken port is called by its whole name, and a Python program by its own', async () => {
  const byHand = await startByHand(world, 'notebook', [`--port=${await freePort()}`]);
  const port = await freePort();
  const served = spawn('python3', ['-m', 'http.server', '--bind', '127.0.0.1', String(port)], {
    stdio: 'ignore',
    env: world.laptop.env,
  });
  await eventually('it listens', async () => !(await isPortFree(port)));
  const aside = ['--port', String(await freePort())];
  for (const [holder, taken] of [
    [`jupyter-notebook \\(PID ${byHand.pid}\\)`, byHand.port],
    [`http\\.server \\(PID ${served.pid}\\)`, port],
  ] as const) {
    for (const [message, words] of [
      [`port ${taken} of loopback is already in use`, ['--port', String(taken)]],
      [`local port ${taken} is already in use`, [...aside, '--local-port', String(taken)]],
    ] as const) {
      const strict = await world.laptop.run('start', 'loopback', '{F}', '--strict-port', ...words);
      assert.match(strict.stderr, new RegExp(`${message} by ${holder}`));
    }
  }
});

test('nobody else can read what is written, whatever the umask', async () => {
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

test('the token is in no list of processes, and in no log', async () => {
  const { stdout } = await world.laptop.run('start', 'loopback', '{F}', '--no-browser');
  const token = new URL(stdout.trim()).searchParams.get('token') ?? '';
  assert.ok(token.length >= 32);
  for (const pid of world.processes()) {
    assert.ok(!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(token), `in the arguments of ${pid}`);
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

test('a dry run prints the commands and does nothing', async () => {
  const { code, stdout } = await world.laptop.run('start', 'loopback', '{F}', '--dry-run');
  assert.equal(code, 0);
  assert.match(stdout, /keeper\.sh .* loopback ssh -F .* -N -T -M -S /);
  assert.match(stdout, /-- loopback 'exec \/bin\/sh -s'/);
  assert.match(stdout, /-O forward -L 127\.0\.0\.1:8889:127\.0\.0\.1:8889 master/);
  assert.deepEqual(world.processes(), []);
  assert.throws(() => statSync(world.laptop.stateFolder), /ENOENT/);
});

test('a start from a folder that is no more is like any other', async () => {
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
    /\$ \/bin\/sh .*keeper\.sh /,
    /\$ ssh .* 'exec \/bin\/sh -s' {2}< a script/,
    /\$ ssh .* -O forward -L /,
  ]) {
    assert.match(stderr, words);
  }
});
