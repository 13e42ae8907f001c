import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { keeperSocket } from '../../src/keeper/control.ts';
import { readEvents } from '../../src/keeper/events.ts';
import { loginCommand } from '../../src/ssh/arguments.ts';
import { conversationOn, exchangeWith, received } from '../hosts/conversation.ts';
import { makeHostEnd, RELAY_SCRIPT } from '../hosts/host-end.ts';
import { away, type Keeping, type KeepingOptions, makeKeeping } from '../hosts/keeping.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { descendantsOf } from '../hosts/proc.ts';
import { signalQuietly, signalTo } from '../hosts/signal.ts';
import { freePort } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

/** A keeper with a real sshd, a real relay, and a server of the test's own. */

let keeping: Keeping;
afterEach(() => keeping.remove());

async function begin(options: KeepingOptions = {}): Promise<void> {
  keeping = await makeKeeping(options);
  await keeping.request({ do: 'try' });
  const { up } = await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
  assert.equal(up.length, 1, readFileSync(join(keeping.folder, 'status.json'), 'utf8'));
}

const exchange = (size: number) => exchangeWith(keeping.dial(), size);
const conversation = () => conversationOn(keeping.dial());

const killSsh = async () => signalTo((await keeping.status()).ssh, 'SIGKILL');
const attempts = () => keeping.sshd.log().match(/Connection from/g)?.length ?? 0;

test('connections survive ten losses of ssh, each is followed by a login at once, and nothing else is left of it', {
  skip: NO_PROC,
}, async () => {
  await begin();
  const { socket, say } = conversation();
  await say('first');
  const files = () => readdirSync(`/proc/${keeping.pid()}/fd`).length;
  const before = { files: files(), names: readdirSync(keeping.folder).length };
  for (let kill = 0; kill < 10; kill++) {
    const bulk = exchange(200_000);
    await killSsh();
    await bulk;
    await say(`after kill ${kill}`);
  }
  assert.deepEqual(
    readEvents(keeping).filter(({ what }) => what.startsWith('waiting')),
    [],
  );
  socket.destroy();
  await eventually('no more files are open than before', () => files() <= before.files);
  await eventually(
    'no more files are in its folder than before',
    () => readdirSync(keeping.folder).length <= before.names,
  );
});

test('a connection whose end on the host was killed is back, with all that was written meanwhile', async () => {
  let writer: Socket | undefined;
  await begin({
    onConnection: (socket) => {
      writer = socket;
    },
  });
  const program = keeping.dial();
  program.write('go');
  await eventually('the server has the connection', () => writer !== undefined);
  const all = received(program);
  await keeping.sshd.stop();
  await killSsh();
  const lines = Array.from({ length: 500 }, (_, line) => `line ${line}\n`);
  for (const line of lines) writer?.write(line);
  await away(keeping);
  await keeping.sshd.start();
  writer?.end('end');
  assert.equal((await all).toString(), `${lines.join('')}end`);
});

test('a key that was withdrawn is tried once; the port stays reserved, and connections continue after a login', async () => {
  await begin();
  const { say } = conversation();
  await say('before');
  writeFileSync(keeping.sshd.authorizedKeys, '');
  const before = attempts();
  await killSsh();
  await eventually('it needs a login', async () => (await keeping.status()).phase === 'needs-login');
  assert.match((await keeping.status()).output ?? '', /Permission denied/);
  assert.equal(attempts() - before, 1);
  await assert.rejects(
    new Promise((resolve, reject) =>
      createServer()
        .once('error', reject)
        .listen(keeping.port, '127.0.0.1', resolve as () => void),
    ),
    /EADDRINUSE/,
  );
  writeFileSync(keeping.sshd.authorizedKeys, readFileSync(`${keeping.sshd.key}.pub`));
  await keeping.request({ do: 'try' });
  await say('after');
});

test('while there is no connection, a page that is opened shows why, and all other requests wait', async () => {
  await begin();
  await keeping.sshd.stop();
  await killSsh();
  await eventually('sshd refuses', async () =>
    /Connection refused/.test((await keeping.status()).output ?? ''),
  );
  const waiting = conversation();
  const asked = waiting.say('GET /api HTTP/1.1\r\nSec-Fetch-Mode: cors\r\n\r\n');
  const navigation = keeping.dial();
  const page = received(navigation);
  navigation.write(
    'GET /lab HTTP/1.1\r\nHost: x\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n',
  );
  const text = (await page).toString();
  assert.match(text, /^HTTP\/1\.1 503 /);
  assert.match(text, /no connection to loopback for \d+ s\. Try \d+ (begins in \d+ s|is in progress)\./);
  assert.match(text, /Connection refused/);
  assert.match(text, /default-src 'none'/);
  await keeping.sshd.start();
  await asked;
});

test('what programs write while the host is away is counted, with a relay and without one', async () => {
  for (const isPlain of [false, true]) {
    await begin({ isPlain });
    await keeping.sshd.stop();
    await killSsh();
    await away(keeping);
    const program = keeping.dial();
    program.write(Buffer.alloc(12_345));
    await eventually('all of it is counted', async () => (await keeping.status()).buffered >= 12_345);
    program.destroy();
    await eventually('it is forgotten', async () => (await keeping.status()).buffered < 12_345);
    if (!isPlain) await keeping.remove();
  }
});

test('where sshd forbids forwarding, a command carries the session, also after a loss', async () => {
  keeping = await makeKeeping({
    sshdConfig: ['AllowTcpForwarding no', 'AllowStreamLocalForwarding no', 'MaxSessions 1'],
  });
  await keeping.request({ do: 'try' });
  await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
  // A busy sshd may still count the first session, and refuse the second, which is then tried again.
  await eventually('it is up', async () => (await keeping.status()).up.length === 1);
  await exchange(300_000);
  await killSsh();
  await exchange(300_000);
  // A forward that sshd has refused is not why the connection was lost.
  const losses = readEvents(keeping).filter(({ what }) => what.startsWith('lost'));
  assert.equal(losses.length, 1);
  assert.doesNotMatch(losses[0]?.what ?? '', /prohibited/);
});

test('ten servers of a host share a connection, and the connections to all of them survive its loss', async () => {
  await begin();
  const others = await Promise.all(
    Array.from({ length: 9 }, async () => {
      const host = await makeHostEnd({ server: { port: keeping.server.port, hostname: '127.0.0.1' } });
      const own = { bindAddress: '127.0.0.1', localPort: await freePort(), target: keeping.tunnel.server };
      const relay = {
        python: '/usr/bin/python3',
        script: RELAY_SCRIPT,
        record: host.record,
        socket: host.path,
      };
      return { host, tunnel: { ...keeping.tunnel, relay, own } };
    }),
  );
  const tunnels = [keeping.tunnel, ...others.map(({ tunnel }) => tunnel)];
  const { up } = await keeping.request({ do: 'apply', tunnels });
  assert.equal(up.length, 10);
  const ports = [keeping.port, ...others.map(({ tunnel }) => tunnel.own.localPort)];
  const conversations = ports.map((port) => conversationOn(keeping.dial(port)));
  await Promise.all(conversations.map(({ say }) => say('before')));
  const before = attempts();
  await killSsh();
  await Promise.all(conversations.map(({ say }) => say('after')));
  assert.equal(attempts(), before + 1);
  for (const { host } of others) await host.remove();
});

test('without a relay connections are carried as by ssh -L, and the port is held all the same', async () => {
  await begin({ isPlain: true });
  await exchange(100_000);
  await keeping.sshd.stop();
  await killSsh();
  await away(keeping);
  const { say } = conversation();
  const said = say('waits');
  await keeping.sshd.start();
  await said;
});

test('a connection that waits while its server gets another relay continues through that', async () => {
  await begin();
  await keeping.sshd.stop();
  await killSsh();
  await away(keeping);
  const { say } = conversation();
  const said = say('waits');
  const { relay } = keeping.tunnel;
  const host = await makeHostEnd({ server: { port: keeping.server.port, hostname: '127.0.0.1' } });
  const tunnel = { ...keeping.tunnel, relay: relay && { ...relay, record: host.record, socket: host.path } };
  await keeping.request({ do: 'apply', tunnels: [tunnel] });
  await keeping.sshd.start();
  await said;
  // Without a tunnel it ends.
  await keeping.sshd.stop();
  await killSsh();
  await away(keeping);
  const ended = received(keeping.dial());
  await keeping.request({ do: 'apply', tunnels: [] });
  assert.equal((await ended).length, 0);
  await host.remove();
});

test('a relay that was killed is started again', async () => {
  await begin();
  await exchange(1000);
  const pid = keeping.host.pid();
  process.kill(pid, 'SIGKILL');
  await eventually('there is another one', () => existsSync(keeping.host.path) && keeping.host.pid() !== pid);
  await exchange(1000);
});

test('a local port that is in use is reported, and taken when it is free again', async () => {
  keeping = await makeKeeping();
  const thief = createServer();
  await new Promise<void>((resolve) => thief.listen(keeping.port, '127.0.0.1', resolve));
  await keeping.request({ do: 'try' });
  const { up, down, output } = await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
  assert.deepEqual([up.length, down.length], [0, 1]);
  assert.match(output ?? '', /EADDRINUSE/);
  await new Promise((resolve) => thief.close(resolve));
  await eventually('it is up', async () => (await keeping.status()).up.length === 1);
  await exchange(1000);
});

test('a local port that two servers want leads to the one that has it, in whichever order they are named', async () => {
  await begin();
  const other = createServer((socket) => socket.end('the other'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const target = `localhost:${(other.address() as { port: number }).port}`;
  const { server, relay } = keeping.tunnel;
  const rival = { server, relay, further: [{ bindAddress: '127.0.0.1', localPort: keeping.port, target }] };
  const { up, bound, down } = await keeping.request({ do: 'apply', tunnels: [rival, keeping.tunnel] });
  assert.deepEqual([up.length, bound.length, down.length], [1, 1, 1]);
  assert.ok(down[0]?.endsWith(target), down[0]);
  await exchange(1000);
  assert.equal((await keeping.request({ do: 'apply', tunnels: [rival] })).up.length, 1);
  assert.equal((await received(keeping.dial())).toString(), 'the other');
  other.close();
});

test('further ports lead to other programs of the host, and can be closed one by one', async () => {
  await begin();
  const other = createServer((socket) => socket.end('the other'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const forward = { bindAddress: '127.0.0.1', localPort: await freePort(), target: `localhost:${port}` };
  const { up } = await keeping.request({ do: 'apply', tunnels: [{ ...keeping.tunnel, further: [forward] }] });
  assert.equal(up.length, 2);
  assert.equal((await received(keeping.dial(forward.localPort))).toString(), 'the other');
  const { say } = conversation();
  await say('before');
  await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
  await say('after');
  await assert.rejects(received(keeping.dial(forward.localPort)), /closed/);
  other.close();
});

test('an ssh that has logged in and left the terminal is taken over', async () => {
  keeping = await makeKeeping();
  const { folder, sshd } = keeping;
  const controlPath = join(folder, 'control');
  const connection = { destination: 'loopback', sshConfig: sshd.sshConfig, folder, controlPath };
  const [program, ...words] = loginCommand(connection, controlPath, true);
  await keeping.status();
  assert.equal(spawnSync(program, words, { stdio: 'ignore' }).status, 0);
  const { phase, ssh } = await keeping.request({ do: 'adopt', controlPath });
  assert.equal(phase, 'connected');
  await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
  const { say } = conversation();
  await say('before');
  signalTo(ssh, 'SIGKILL');
  await say('after');
  assert.notEqual((await keeping.status()).ssh?.pid, ssh?.pid);
});

test('a host that refuses the connection for a while is tried less and less often, and found again', async () => {
  await begin();
  const { say } = conversation();
  await say('before');
  await keeping.sshd.stop();
  await killSsh();
  await eventually('three tries have failed', async () => (await keeping.status()).tries >= 3);
  const asked = Date.now();
  const { nextTryAt = 0, output } = await keeping.status();
  assert.match(output ?? '', /refused/);
  assert.ok(nextTryAt === 0 || nextTryAt > asked - 1000);
  await keeping.sshd.start();
  await keeping.request({ do: 'try' });
  await say('after');
});

test('a keeper that is asked to stop leaves no process and no port', { skip: NO_PROC }, async () => {
  await begin();
  const { ssh } = await keeping.status();
  const program = keeping.dial();
  program.write('hello');
  await new Promise((resolve) => program.once('data', resolve));
  const closed = new Promise((resolve) => program.once('close', resolve));
  await keeping.request({ do: 'stop' });
  await closed;
  await eventually('both have ended', () =>
    [ssh?.pid, keeping.pid()].every((pid) => !existsSync(`/proc/${pid}/exe`)),
  );
  await assert.rejects(received(keeping.dial()), /closed/);
  // The session on the host ends with it.
  await eventually('the relay knows it', () => /ends: the other end has finished/.test(keeping.host.log()));
});

test('a keeper that is asked to stop ends its sessions on a busy host, too', { skip: NO_PROC }, async () => {
  for (let tookMs = Number.POSITIVE_INFINITY; tookMs > 250; ) {
    await keeping?.remove();
    await begin();
    const program = keeping.dial();
    program.write('hello');
    await new Promise((resolve) => program.once('data', resolve));
    const closed = new Promise((resolve) => program.once('close', resolve));
    const sessions = descendantsOf(keeping.sshd.pid());
    for (const pid of sessions) signalQuietly(pid, 'SIGSTOP');
    const begun = performance.now();
    const stopped = keeping.request({ do: 'stop' });
    await closed;
    // An sshd that gets the end of ssh together with what ssh has sent before does not pass that on.
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const pid of sessions) signalQuietly(pid, 'SIGCONT');
    // A keeper waits for half a second: if this process was too slow for that, it shows nothing, and begins again.
    tookMs = performance.now() - begun;
    await stopped;
  }
  await eventually('the relay knows it', () => /ends: the other end has finished/.test(keeping.host.log()));
});

test('the socket of a keeper is its user alone’s, and what is not a request is refused', async () => {
  await begin();
  const path = keeperSocket(keeping);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  for (const text of ['\n', 'nonsense\n', '{"do":"unknown"}\n', '{"do":"apply","tunnels":[{}]}\n', '[]\n']) {
    const socket = connect(path);
    const answer = received(socket);
    socket.write(text);
    assert.match((await answer).toString(), /^\n{"error":"/, text);
  }
  await exchange(1000);
});
