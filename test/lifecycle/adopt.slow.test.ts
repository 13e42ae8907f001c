import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ByHand, startByHand } from '../hosts/by-hand.ts';
import { worldFor, worldPerTest } from '../hosts/lasting.ts';
import { outside } from '../hosts/needs.ts';
import { askJupyter, done, type Shown, serverRecord, started, stderrOf } from '../hosts/servers.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { serversOn, traces } from '../hosts/traces.ts';
import { eventually, type Laptop } from '../hosts/world.ts';

/** `--adopt` connects to a server that another program started, and records that. */

const world = worldPerTest();

async function byHand(...args: string[]): Promise<ByHand> {
  return startByHand(world, 'notebook', [`--port=${await freePort()}`, ...args]);
}

function joined(laptop: Laptop, server: number, ...args: string[]): Promise<Shown> {
  return started(laptop, '--adopt', String(server), ...args);
}

/** Waits until nothing is left but this server: the host's shell ends a moment after its last output. */
async function onlyIsLeft({ pid }: ByHand): Promise<void> {
  const others = () => traces(world, world.laptop).filter((trace) => !trace.includes(String(pid)));
  await eventually('nothing else is left', () => others().length === 0).catch(() =>
    assert.deepEqual(others(), []),
  );
}

function lives({ pid }: { pid: number }): boolean {
  return world.processes().includes(pid);
}

test('start --adopt connects to a server that was started by hand, and every laptop finds it by the same name', async () => {
  const server = await byHand();
  const first = await joined(world.laptop, server.port, '--local-port', String(await freePort()));
  assert.deepEqual(
    [first.name, first.joined, first.state, first.jupyter.pid, first.jupyter.port],
    [`loopback-${server.port}`, true, 'connected', server.pid, server.port],
  );
  assert.equal(serverRecord(world.laptop, first.name).token, server.token);
  assert.ok(await askJupyter(first.tunnel.localPort, server.token, '/api/status'));
  const again = await joined(world.laptop, server.port);
  assert.deepEqual([again.name, again.url, again.joined], [first.name, first.url, true]);
  const elsewhere = await joined(world.anotherLaptop(), server.pid);
  assert.deepEqual([elsewhere.name, elsewhere.jupyter.pid], [first.name, server.pid]);
  assert.deepEqual(readdirSync(serversOn(world)).length, 1);
  const all = JSON.parse(await done(world.laptop, 'status', 'loopback', '{F}', '--all', '--json'));
  const [listed] = all.servers.filter(({ pid }: ByHand) => pid === server.pid);
  assert.deepEqual([listed.names, listed.startedBy], [[first.name], 'other']);
});

test('status, open, forward and start accept the name of an adopted server', async () => {
  const server = await byHand();
  const { name } = await joined(world.laptop, server.pid, '--name', 'mine');
  assert.equal(name, 'mine');
  const [now] = JSON.parse(await done(world.laptop, 'status', 'mine', '--json')).servers;
  assert.deepEqual([now.state, now.jupyter.state, now.jupyter.adopted], ['connected', 'running', true]);
  assert.match(await done(world.laptop, 'open', 'mine', '--print'), new RegExp(`token=${server.token}\n$`));
  await done(world.laptop, 'stop', 'mine', '--keep-server');
  assert.equal(lives(server), true);
  const again = JSON.parse(await done(world.laptop, 'start', 'mine', '--json'));
  assert.deepEqual([again.joined, again.jupyter.pid, again.jupyter.adopted], [true, server.pid, true]);
});

test('forward --adopt forwards a server on a socket, and more ports', async () => {
  const folder = makeFolder('rn-socket-');
  try {
    const socket = join(folder, 's');
    const args = [`--ServerApp.sock=${socket}`, '--ServerApp.base_url=/me/'];
    const server = await startByHand(world, 'server', args);
    const [local, more] = [await freePort(), await freePort()];
    const words = ['--adopt', String(server.pid), '--json'];
    const told = await done(world.laptop, 'forward', 'loopback', `${more}:6006`, '{F}', ...words);
    const { name, url, tunnel } = JSON.parse(told);
    assert.equal(name, `loopback-${server.pid}`);
    assert.ok(tunnel.forwards[0].endsWith(`:${socket}`));
    assert.ok(tunnel.forwards.includes(`127.0.0.1:${more}:localhost:6006`));
    assert.ok(local > 0 && url.endsWith('/me/'));
    await done(world.laptop, 'stop', name);
    assert.equal(lives(server), false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('adopting a server of remote-notebook connects to it under its own name', async () => {
  const own = await started(world.laptop, ...(await ports()));
  const again = await joined(world.laptop, own.jupyter.pid);
  assert.deepEqual([again.name, again.url], ['loopback', own.url]);
  const elsewhere = await joined(world.anotherLaptop(), own.jupyter.port);
  assert.deepEqual([elsewhere.name, elsewhere.jupyter.pid], ['loopback', own.jupyter.pid]);
  assert.deepEqual(readdirSync(serversOn(world)).length, 1);
});

test('stop shuts down exactly the adopted server, and leaves nothing behind', async () => {
  const server = await byHand();
  const other = await byHand();
  const { name } = await joined(world.laptop, server.port);
  assert.equal(JSON.parse(await done(world.laptop, 'stop', name, '--json')).outcome, 'shutdown');
  assert.deepEqual([lives(server), lives(other)], [false, true]);
  await onlyIsLeft(other);
});

test('restart, logs and start refuse an adopted server that has ended, and stop --all leaves it running', async () => {
  const server = await byHand();
  const { name } = await joined(world.laptop, server.port);
  const restart = await stderrOf(2, world.laptop, 'restart', name);
  assert.match(restart, /was started by another program, so it cannot be restarted here\n.*--adopt PORT/);
  assert.match(
    (await world.laptop.run('logs', name)).stderr,
    /is unknown, because another program started the server/,
  );
  const all = await world.laptop.run('stop', '--all', '--yes');
  assert.equal(all.code, 0, all.stderr);
  assert.match(
    all.stderr,
    new RegExp(`"${name}" was started by another program; to stop it: remote-notebook stop ${name}`),
  );
  assert.equal(lives(server), true);
  process.kill(server.pid, 'SIGKILL');
  await eventually('it has ended', () => !lives(server));
  const [down] = JSON.parse((await world.laptop.run('status', name, '--json')).stdout).servers;
  assert.equal(down.jupyter.state, 'stopped');
  const start = await world.laptop.run('start', name, '--no-browser');
  assert.equal(start.code, 1);
  assert.match(start.stderr, /is not running on loopback\nAnother program started it/);
});

test('a server without a token, open to everybody on its host, can be adopted and stopped', async () => {
  const server = await byHand('--NotebookApp.token=');
  const { name, url } = await joined(world.laptop, server.port);
  assert.equal(await done(world.laptop, 'open', name, '--print'), `${url}\n`);
  await done(world.laptop, 'stop', name);
  assert.equal(lives(server), false);
});

test('a server that accepts only a password is not adopted: the error shows the tunnel to use instead', async () => {
  const server = await byHand('--NotebookApp.password=argon2:x');
  const stderr = await stderrOf(
    1,
    world.laptop,
    'start',
    'loopback',
    '{F}',
    '--no-browser',
    '--adopt',
    String(server.pid),
  );
  assert.match(stderr, /requires a password and has no token/);
  assert.match(
    stderr,
    new RegExp(`ssh -N -L 127\\.0\\.0\\.1:8888:127\\.0\\.0\\.1:${server.port} loopback\nOr .*JUPYTER_TOKEN`),
  );
  assert.equal(lives(server), true);
  const all = JSON.parse(await done(world.laptop, 'status', 'loopback', '{F}', '--all', '--json'));
  const [listed] = all.servers.filter(({ pid }: ByHand) => pid === server.pid);
  assert.equal(listed.passwordOnly, true);
});

test('if no server or two servers have the number, the error lists the existing servers', {
  skip: process.platform !== 'linux' && outside('only Linux has 127.0.0.2'),
}, async () => {
  const one = await byHand();
  const words = ['loopback', '{F}', '--no-browser', '--adopt'];
  const none = await stderrOf(1, world.laptop, 'start', ...words, '1');
  assert.match(
    none,
    /no Jupyter server of yours on loopback has the port or the PID 1\nThese are running there:\n/,
  );
  assert.match(none, new RegExp(`^ {2}PID ${one.pid}, port ${one.port}, in ${world.home}$`, 'm'));
  const two = await startByHand(world, 'notebook', [`--port=${one.port}`, '--ip=127.0.0.2']);
  assert.equal(two.port, one.port);
  const both = await stderrOf(1, world.laptop, 'forward', 'loopback', '{F}', '--adopt', String(one.port));
  assert.match(
    both,
    new RegExp(`${one.port} is the port or the PID of 2 servers on loopback\nUse the other number `),
  );
  assert.deepEqual(
    traces(world, world.laptop).filter((trace) => /connection|servers|record/.test(trace)),
    [],
  );
  const shown = await joined(world.laptop, two.pid);
  assert.ok(shown.tunnel.forwards[0]?.endsWith(`:127.0.0.2:${two.port}`));
  assert.ok(await askJupyter(shown.tunnel.localPort, two.token, '/api/status'));
});

test('the name of another server is refused, and a failed adoption leaves the server unchanged', async () => {
  const directory = join(world.home, 'work');
  mkdirSync(directory);
  const one = await startByHand(world, 'notebook', [`--port=${await freePort()}`], { cwd: directory });
  const two = await startByHand(world, 'notebook', [`--port=${await freePort()}`], { cwd: directory });
  await joined(world.laptop, one.pid, '--name', 'mine');
  const words = ['--adopt', String(two.pid), '--name', 'mine'];
  const taken = await stderrOf(
    1,
    world.anotherLaptop(),
    'start',
    'loopback',
    '{F}',
    '--no-browser',
    ...words,
  );
  assert.match(
    taken,
    new RegExp(`"mine" is already the name of another server on loopback \\(PID ${one.pid}\\)\n.*--name`),
  );
  assert.equal((await world.laptop.run('status', 'mine')).code, 0);
  assert.deepEqual([lives(one), lives(two)], [true, true]);
});

test('two laptops that adopt a server at once both get a tunnel to it', async () => {
  const server = await byHand();
  const laptops = [world.laptop, world.anotherLaptop()];
  const shown = await Promise.all(laptops.map((laptop) => joined(laptop, server.pid)));
  for (const { name, state } of shown)
    assert.deepEqual([name, state], [`loopback-${server.port}`, 'connected']);
  assert.equal(readdirSync(serversOn(world)).length, 1);
});

test('Ctrl-C before the server has responded leaves nothing on either side, and the server unchanged', async () => {
  const server = await byHand();
  process.kill(server.pid, 'SIGSTOP');
  const join = world.laptop.start('start', 'loopback', '{F}', '--no-browser', '--adopt', String(server.pid));
  await join.saw('✓ forward');
  assert.equal(readdirSync(serversOn(world)).length, 1);
  join.signal('SIGINT');
  const { code, stderr } = await join.ended;
  assert.equal(code, 130, stderr);
  assert.match(stderr, /Interrupted; nothing is left behind\.\n$/);
  await onlyIsLeft(server);
  process.kill(server.pid, 'SIGCONT');
  assert.equal(lives(server), true);
});

test('a server is adopted also where sshd forbids forwarding, and then left as it was', async (context) => {
  const strict = await worldFor(context, { sshdConfig: ['AllowTcpForwarding no'] });
  const server = await startByHand(strict, 'notebook', [`--port=${await freePort()}`]);
  const { state, name } = await started(strict.laptop, '--adopt', String(server.pid));
  assert.equal(state, 'connected');
  await done(strict.laptop, 'stop', name, '--keep-server');
  assert.ok(strict.processes().includes(server.pid));
  const again = JSON.parse(await done(strict.laptop, 'start', name, '--json'));
  assert.deepEqual([again.joined, again.jupyter.pid], [true, server.pid]);
});
