import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { before, test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { withoutRelays } from '../hosts/proc.ts';
import { askJupyter, done, type Shown, serverRecord, stderrOf } from '../hosts/servers.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { eventually } from '../hosts/world.ts';

/** The tunnel alone. One server keeps running; each test begins and ends without a tunnel to it. */

const world = await worldPerFile();
let server: Shown['jupyter'];

before(async () => {
  const file = world.laptop.configurationFile;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, 'servers:\n  work: { destination: loopback }\n');
  const first = await done(world.laptop, 'start', 'work', '{F}', '--json', ...(await ports()));
  server = JSON.parse(first).jupyter;
  await done(world.laptop, 'stop', '--keep-server');
});

async function onlyServerIsLeft(): Promise<void> {
  const left = () => withoutRelays(world.processes());
  await eventually('only the server is left', () => left().join() === `${server.pid}`).catch(() =>
    assert.deepEqual(left(), [server.pid]),
  );
}

async function forwarded(...words: string[]): Promise<Shown> {
  return JSON.parse(await done(world.laptop, 'forward', ...words, '{F}', '--json'));
}

test('forward reconnects a closed tunnel to the running server', async () => {
  await onlyServerIsLeft();
  const { jupyter: same, tunnel } = await forwarded('work');
  assert.equal(same.pid, server.pid);
  const { token } = serverRecord(world.laptop, 'work');
  assert.ok(await askJupyter(tunnel.localPort, token, '/api/status'));
  await done(world.laptop, 'stop', '--keep-server');
  await onlyServerIsLeft();
});

test('forward needs no name for the only server, even with a port', async () => {
  const port = await freePort();
  const { name, tunnel } = await forwarded(`${port}`);
  assert.equal(name, 'work');
  assert.equal(tunnel.forwards.at(-1), `127.0.0.1:${port}:localhost:${port}`);
  await done(world.laptop, 'stop', '--keep-server');
});

test('forward reconnects a tunnel whose processes were killed, with all its ports', async () => {
  const answering = createServer((_, response) => response.end('"from the host"'));
  await new Promise<void>((resolve) => answering.listen(0, '127.0.0.1', resolve));
  try {
    const port = await freePort();
    const target = (answering.address() as AddressInfo).port;
    const { tunnel } = await forwarded('work', `${port}:localhost:${target}`);
    for (const pid of world.processes()) if (pid !== server.pid) signalQuietly(pid, 'SIGKILL');
    const again = await forwarded('work');
    assert.deepEqual(again.tunnel.forwards, tunnel.forwards);
    assert.equal(await askJupyter(port, '', '/'), 'from the host');
  } finally {
    answering.close();
    await done(world.laptop, 'stop', '--keep-server');
  }
});

test('a closed tunnel is reconnected with its ports, except those that other machines can reach', async () => {
  const [own, open] = [await freePort(), await freePort()];
  await forwarded('work', `${own}:localhost:80`, `0.0.0.0:${open}:localhost:80`);
  await done(world.laptop, 'stop', '--keep-server');
  for (const verb of ['forward', 'start']) {
    const { tunnel } = JSON.parse(await done(world.laptop, verb, 'work', '--json', '{F}'));
    assert.ok(tunnel.forwards.includes(`127.0.0.1:${own}:localhost:80`), verb);
    assert.ok(!tunnel.forwards.some((forward: string) => forward.startsWith('0.0.0.0:')), verb);
    await done(world.laptop, 'stop', '--keep-server');
  }
});

test('a port that another program has taken in the meantime is reported, and the tunnel works without it', async () => {
  const taken = createServer();
  try {
    const port = await freePort();
    await forwarded('work', `${port}:localhost:80`);
    await done(world.laptop, 'stop', '--keep-server');
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    const { code, stdout, stderr } = await world.laptop.run('forward', 'work', '{F}');
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`local port ${port} is already in use`));
    assert.match(stdout, new RegExp(` -> 127\\.0\\.0\\.1:${server.port}\n`));
    assert.doesNotMatch(stdout, new RegExp(`:${port} -> `));
    const asked = await world.laptop.run('forward', 'work', `${port}:localhost:80`, '{F}');
    assert.deepEqual([asked.code, asked.stdout], [1, '']);
  } finally {
    taken.close();
    await done(world.laptop, 'stop', '--keep-server');
  }
});

test('forwarding a port twice makes one forward', async () => {
  const port = await freePort();
  const first = await forwarded('work', `${port}`);
  const second = await forwarded('work', `${port}`, `${port}:localhost:${port}`);
  assert.deepEqual(second.tunnel.forwards, first.tunnel.forwards);
  assert.equal(second.tunnel.pid, first.tunnel.pid);
  await done(world.laptop, 'stop', '--keep-server');
});

test('forward --cancel removes a port from the connection', async () => {
  const port = await freePort();
  const before = (await forwarded('work')).tunnel;
  await forwarded('work', `${port}:localhost:80`);
  const words = ['forward', 'work', String(port), '--cancel'];
  const { tunnel } = JSON.parse(await done(world.laptop, ...words, '--json'));
  assert.deepEqual(tunnel.forwards, before.forwards);
  assert.deepEqual(keeperOf(world.laptop).up, before.forwards);
  const again = await stderrOf(2, world.laptop, ...words);
  assert.match(again, new RegExp(`^Error: "work" does not forward local port ${port}\nIt forwards`));
  assert.equal((await world.laptop.run('forward', 'work', '--cancel')).code, 2);
  const first = await world.laptop.run('forward', 'work', String(before.localPort), '--cancel');
  assert.match(
    first.stderr,
    /leads to its server\. To close its tunnel: remote-notebook stop work --keep-server/,
  );
  await done(world.laptop, 'stop', '--keep-server');
  assert.deepEqual((await forwarded('work')).tunnel.forwards, before.forwards);
  await done(world.laptop, 'stop', '--keep-server');
});

test('forward prints the target of each port, one per line', async () => {
  const port = await freePort();
  const { tunnel } = await forwarded('work');
  const lines = (await done(world.laptop, 'forward', 'work', `${port}:example.org:80`)).split('\n');
  assert.equal(lines[0], `127.0.0.1:${tunnel.localPort} -> 127.0.0.1:${server.port}`);
  assert.deepEqual(lines.slice(-2), [`127.0.0.1:${port} -> example.org:80`, '']);
  await done(world.laptop, 'stop', '--keep-server');
});

test('other machines can reach a port only if its address is given, whatever ssh_config contains', async () => {
  const answering = createServer((_, response) => response.end('"from the host"'));
  await new Promise<void>((resolve) => answering.listen(0, '127.0.0.1', resolve));
  appendFileSync(world.sshd.sshConfig, '  GatewayPorts yes\n');
  const listeners = () => execFileSync('ss', ['-Hltn'], { encoding: 'utf8' });
  try {
    const target = `localhost:${(answering.address() as AddressInfo).port}`;
    const [own, open] = [await freePort(), await freePort()];
    const stderr = await stderrOf(
      0,
      world.laptop,
      'forward',
      'work',
      `${own}:${target}`,
      `0.0.0.0:${open}:${target}`,
      '{F}',
    );
    assert.match(stderr, new RegExp(`other machines can connect to local port ${open} at 0\\.0\\.0\\.0\n`));
    assert.doesNotMatch(stderr, new RegExp(`other machines can connect to local port ${own} `));
    assert.match(listeners(), new RegExp(` 127\\.0\\.0\\.1:${own} `));
    assert.match(listeners(), new RegExp(` 0\\.0\\.0\\.0:${open} `));
    const asked = (port: number) => fetch(`http://127.0.0.2:${port}/`).then((answer) => answer.json());
    assert.equal(await asked(open), 'from the host');
    await assert.rejects(asked(own), (error: Error) => /ECONNREFUSED/.test(String(error.cause)));
    assert.equal(await askJupyter(own, '', '/'), 'from the host');
  } finally {
    answering.close();
    await done(world.laptop, 'stop', '--keep-server');
  }
});

test('forward does not start a server that has ended', async () => {
  await done(world.laptop, 'stop', 'work', '{F}');
  const { code, stdout, stderr } = await world.laptop.run('forward', 'work', '{F}');
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^Error: "work" is not running on loopback\nStart it: remote-notebook start work$/m);
  await noProcessIsLeft(world);
});
