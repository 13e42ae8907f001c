import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { worldPerTest } from '../hosts/lasting.ts';
import { commandLineOf, withoutRelays } from '../hosts/proc.ts';
import { statusOf, stderrOf } from '../hosts/servers.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { eventually } from '../hosts/world.ts';

const world = worldPerTest();

async function run(...args: string[]) {
  const finished = await world.laptop.run(...args);
  assert.equal(finished.code, 0, finished.stderr);
  return finished;
}

const start = (...args: string[]) => run('start', 'loopback', '{F}', '--no-browser', ...args);

const status = (name = 'loopback') => statusOf(world.laptop, name);

function fetchText(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.setEncoding('utf8').on('data', resolve);
    }).once('error', reject);
  });
}

test('stop ends exactly one server, and the others of that user keep running', async () => {
  await start('--name', 'one');
  await start('--name', 'two');
  const two = await status('two');
  const { stderr } = await run('stop', 'one');
  assert.match(stderr, /one is stopped\./);
  assert.equal(await status('one'), undefined);
  assert.equal((await status('two')).jupyter.pid, two.jupyter.pid);
  assert.equal((await status('two')).state, 'connected');
});

test('stopping a server that has already ended succeeds, and is reported', async () => {
  await start();
  process.kill((await status()).jupyter.pid, 'SIGKILL');
  const { stderr } = await run('stop');
  assert.match(stderr, /loopback was no longer running\./);
  await noProcessIsLeft(world);
});

test('a server that does not respond is stopped anyway', async () => {
  await start();
  process.kill((await status()).jupyter.pid, 'SIGSTOP');
  const { stderr } = await run('stop');
  assert.match(stderr, /loopback is stopped/);
  await noProcessIsLeft(world);
});

test('stop --keep-server closes only the tunnel, and start connects to the server again', async () => {
  await start();
  const before = await status();
  await run('stop', '--keep-server');
  await eventually('only the server is left', () => {
    return withoutRelays(world.processes()).join() === `${before.jupyter.pid}`;
  });
  const again = JSON.parse((await start('--json')).stdout);
  assert.deepEqual([again.joined, again.jupyter.pid], [true, before.jupyter.pid]);
});

test('after stop --keep-server, status still shows the server, and start, forward and stop accept its name', async () => {
  await start('--name', 'kept', '--local-port', String(await freePort()));
  await start('--name', 'other');
  const before = await status('kept');
  const { stderr } = await run('stop', 'kept', '--keep-server');
  assert.match(
    stderr,
    /^kept: the tunnel is closed; the server is still running\.\nReconnect with: remote-notebook start kept$/m,
  );
  const shown = await run('status');
  assert.match(shown.stdout, /^kept +unknown +closed +- /m);
  assert.match(
    shown.stdout,
    /^ {2}The tunnel was closed with stop --keep-server; reconnect with: remote-notebook start kept$/m,
  );
  assert.deepEqual((await status('kept')).tunnel.wanted, false);
  for (const verb of ['start', 'forward']) {
    await run(verb, 'kept', ...(verb === 'start' ? ['--no-browser'] : []));
    const again = await status('kept');
    assert.deepEqual(
      [again.state, again.jupyter.pid, again.url],
      ['connected', before.jupyter.pid, before.url],
    );
    await run('stop', 'kept', '--keep-server');
  }
  await run('stop', 'other');
  await eventually('only the server is left', () => {
    return withoutRelays(world.processes()).join() === `${before.jupyter.pid}`;
  });
  assert.match((await run('stop')).stderr, /kept is stopped/);
  await noProcessIsLeft(world);
});

test('a server after stop --keep-server is not used as the default, and clean keeps it', async () => {
  await start('--name', 'kept');
  await run('stop', '--keep-server');
  await start('--name', 'other');
  assert.match((await run('stop', '--keep-server')).stderr, /^other: the tunnel is closed/m);
  assert.match((await run('clean')).stderr, /Nothing to remove\./);
});

test('a failed step is not shown as done, for example for a recorded server that has ended', async () => {
  await start();
  process.kill((await status()).jupyter.pid, 'SIGKILL');
  const { stderr } = await start();
  const steps = [...stderr.matchAll(/^ {2}([✓✗]) (\S+)/gm)].map(([, sign, step]) => `${sign} ${step}`);
  assert.deepEqual(steps.slice(0, 2), ['✗ prove', '✓ connect'], stderr);
  assert.equal(steps.at(-1), '✓ prove');
});

test('if an option is given twice, the last value applies', async () => {
  const { stdout } = await run('start', 'loopback', '{F}', '--dry-run', '--port', '9001', '--port', '9002');
  assert.match(stdout, /127\.0\.0\.1:9002\b/);
});

test('status exits with 3 if something that should be running is not', async () => {
  await start();
  assert.equal((await world.laptop.run('status')).code, 0);
  process.kill((await status()).jupyter.pid, 'SIGKILL');
  const { code, stdout } = await world.laptop.run('status');
  assert.equal(code, 3);
  assert.match(stdout, /^loopback {2}stopped {2}connected/m);
});

test('forward adds ports on the same connection, and they work again after a reconnect', async () => {
  await start(...(await ports()));
  const server = createServer((_, response) => response.end('from the host'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const [first, second] = [await freePort(), await freePort()];
    await run('forward', 'loopback', `${first}:${port}`, `${second}:127.0.0.1:${port}`);
    assert.equal(await fetchText(first), 'from the host');
    assert.equal(await fetchText(second), 'from the host');
    const { tunnel } = await status();
    assert.equal(tunnel.forwards.length, 3);
    process.kill(tunnel.pid, 'SIGKILL');
    await eventually('the forwards are back', () =>
      fetchText(second).then(
        (text) => text === 'from the host',
        () => false,
      ),
    );
    const taken = await stderrOf(1, world.laptop, 'forward', 'loopback', `${port}`);
    assert.match(taken, new RegExp(`local port ${port} is already in use by .*\\(PID ${process.pid}\\)`));
    assert.equal((await status()).tunnel.forwards.length, 3);
  } finally {
    server.close();
  }
});

test('forward reports that no server is running', async () => {
  mkdirSync(dirname(world.laptop.configurationFile), { recursive: true });
  writeFileSync(world.laptop.configurationFile, 'servers:\n  gpu:\n    destination: loopback\n');
  const stderr = await stderrOf(1, world.laptop, 'forward', 'gpu', '{F}');
  assert.match(stderr, /"gpu" is not running on loopback/);
  await noProcessIsLeft(world);
});

test('the browser gets a private file that redirects to the page, and no token on its command line', async () => {
  const seen = join(world.home, 'seen');
  world.laptop.env.BROWSER = join(world.home, 'browser');
  writeFileSync(world.laptop.env.BROWSER, `#!/bin/sh\nprintf '%s' "$1" > '${seen}'\n`, { mode: 0o755 });
  const { stdout } = await run('start', 'loopback', '{F}');
  await eventually('the browser is asked', () => {
    try {
      return readFileSync(seen, 'utf8').startsWith('file://');
    } catch {
      return false;
    }
  });
  const page = fileURLToPath(readFileSync(seen, 'utf8'));
  assert.equal(statSync(page).mode & 0o777, 0o600);
  assert.ok(readFileSync(page, 'utf8').includes(stdout.trim()));
  const printed = await run('open', '--print');
  assert.equal(printed.stdout, stdout);
  await run('stop');
  assert.throws(() => statSync(page), /ENOENT/);
});

test('logs -f continues until the server ends, and leaves no process on the host', async () => {
  await start();
  const { pid } = (await status()).jupyter;
  const following = world.laptop.start('logs', '-f');
  await eventually('the log is followed', () =>
    world.processes().some((other) => commandLineOf(other).startsWith('tail')),
  );
  process.kill(pid, 'SIGTERM');
  const { code, stdout, stderr } = await following.ended;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /is running at/);
  assert.match(stderr, /the server has ended/);
  await run('stop');
  await noProcessIsLeft(world);
});

test('a saved server is started by its name with its ssh_config, and the comments in config.yaml are kept', async () => {
  const file = world.laptop.configurationFile;
  mkdirSync(dirname(file), { recursive: true });
  mkdirSync(join(world.home, 'work'));
  writeFileSync(file, '# mine\nservers:\n  # the other one\n  other:\n    destination: elsewhere\n');
  await start('--directory', 'work', '--save', 'daily');
  await run('stop');
  assert.match(readFileSync(file, 'utf8'), /^# mine\n[\s\S]*# the other one\n/);
  const again = JSON.parse((await run('start', 'daily', '--no-browser', '--json')).stdout);
  assert.deepEqual([again.name, again.directory], ['daily', join(world.home, 'work')]);
});

test('without a name the default of config.yaml is used', async () => {
  const file = world.laptop.configurationFile;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    'default: b\nservers:\n  a:\n    destination: nowhere\n  b:\n    destination: loopback\n    local-port: 18999\n',
  );
  const { stdout } = await run('start', '{F}', '--no-browser', '--dry-run');
  assert.match(stdout, /-- loopback 'exec /);
  assert.match(stdout, /-L 127\.0\.0\.1:18999:\/SOCKET /);
  assert.match((await run('config', 'check')).stderr, /is valid \(2 servers\)\./);
  assert.equal((await run('config', 'path')).stdout.trim(), file);
});

test('hosts lists the names in an ssh_config and its included files, but no patterns', async () => {
  const folder = join(world.home, 'ssh');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'config'),
    `Include ${folder}/more-*\nHost gpu *.example !no\n  User me\nHost *\n`,
  );
  writeFileSync(join(folder, 'more-1'), 'Host one two\n');
  const { stdout } = await run('hosts', '-F', join(folder, 'config'));
  assert.equal(stdout, 'one\ntwo\ngpu\n');
});
