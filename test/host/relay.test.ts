import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { FrameReader, frame, helloFrame, Kind, u32, u64, VERSION } from '../../src/session/frames.ts';
import { makeAccount } from '../hosts/accounts.ts';
import { conversationOn } from '../hosts/conversation.ts';
import { drained, type HostEnd, makeHostEnd, RELAY_SCRIPT, serve } from '../hosts/host-end.ts';
import { makeKeeperEnd } from '../hosts/keeper-end.ts';
import { NO_ACCOUNTS, NO_PROC } from '../hosts/needs.ts';
import { openFiles, peakMemory } from '../hosts/proc.ts';
import { freePort } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';

/** What the relay on the host does for its user, and what it refuses to everybody. */

let server: Awaited<ReturnType<typeof serve>>;
let host: HostEnd;

before(async () => {
  server = await serve((socket) => void socket.pipe(socket));
  host = await makeHostEnd({ server: { port: server.port, hostname: '127.0.0.1' } });
});
after(async () => {
  await host.remove();
  await server.close();
});

/** Sends a word to a target through the relay. Returns what comes back until the end: nothing where it is refused. */
async function say(word: string, target = '', path = host.path): Promise<string> {
  const keeper = await makeKeeperEnd(path, target);
  try {
    await eventually('there is a carrier', () => keeper.session.isAttached);
    const program = keeper.dial();
    let text = '';
    program.on('data', (chunk) => {
      text += chunk;
    });
    const ended = new Promise((resolve) => program.once('end', resolve).once('close', resolve));
    program.end(word);
    await ended;
    return text;
  } finally {
    await keeper.close();
  }
}

test('a relay leads to its server, and to other programs of the host by number, by name and by socket', async () => {
  assert.equal(await say('one'), 'one');
  assert.equal(await say('two', `127.0.0.1:${server.port}`), 'two');
  assert.equal(await say('three', `localhost:${server.port}`), 'three');
  const path = join(makeFolder(), 'other.sock');
  const other = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  await new Promise<void>((resolve) => other.listen(path, resolve));
  assert.equal(await say('four', path), 'four');
  await new Promise((resolve) => other.close(resolve));
});

for (const target of [
  '127.0.0.1:1',
  'localhost:1',
  'nowhere.invalid:80',
  '/no/such/socket',
  '127.0.0.1:99999',
  'a',
  ':',
  '::1',
])
  test(`a connection to ${target} ends, and the relay serves the next one`, async () => {
    assert.equal(await say('anybody?', target), '');
    assert.equal(await say('here'), 'here');
  });

test('a server that was restarted is found at its new port', async () => {
  const next = await serve((socket) => socket.end('the new one'));
  await host.putOnRecord({ port: next.port, hostname: '0.0.0.0' });
  assert.equal(await say(''), 'the new one');
  await next.close();
  await host.putOnRecord({ port: server.port, hostname: '127.0.0.1' });
});

test('a server on a Unix socket is reached there', async () => {
  const path = join(makeFolder(), 'jupyter.sock');
  const jupyter = createServer((socket) => socket.end('by its socket'));
  await new Promise<void>((resolve) => jupyter.listen(path, resolve));
  await host.putOnRecord({ port: 0, sock: path });
  assert.equal(await say(''), 'by its socket');
  await host.putOnRecord({ port: server.port, hostname: '127.0.0.1' });
  await new Promise((resolve) => jupyter.close(resolve));
});

test('nothing reaches the port of a server that has ended, whoever listens there now', async () => {
  const dead = spawn('true');
  await new Promise((resolve) => dead.once('exit', resolve));
  let connections = 0;
  const stranger = await serve((socket) => {
    connections++;
    socket.on('data', () => assert.fail('the stranger has read something'));
  });
  await host.putOnRecord({ port: stranger.port, hostname: '127.0.0.1' });
  writeFileSync(join(host.record, 'record'), `pid ${dead.pid}\nstart_time 1\n`);
  assert.equal(await say('a token'), '');
  assert.ok(connections <= 1);
  await stranger.close();
  await host.putOnRecord({ port: server.port, hostname: '127.0.0.1' });
});

for (const address of ['127.0.0.1', '::ffff:127.0.0.1'])
  test(`nothing reaches a port that another user has taken at ${address}`, {
    skip: NO_ACCOUNTS,
  }, async () => {
    const account = makeAccount('sh');
    const port = await freePort();
    const listen = `import socket; s = socket.socket(socket.${address.includes(':') ? 'AF_INET6' : 'AF_INET'}); s.bind(("${address}", ${port})); s.listen(); print("listens", flush=True)\nwhile True: c, _ = s.accept(); print("got", c.recv(9), flush=True)`;
    const stranger = spawn(
      'setpriv',
      ['--reuid', `${account.uid}`, '--clear-groups', 'python3', '-c', listen],
      {
        cwd: '/',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    let printed = '';
    stranger.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    try {
      await eventually('the stranger listens', () => printed.includes('listens'));
      await host.putOnRecord({ port, hostname: '127.0.0.1' });
      assert.equal(await say('a token'), '');
      assert.doesNotMatch(printed, /token/);
    } finally {
      await host.putOnRecord({ port: server.port, hostname: '127.0.0.1' });
      stranger.kill();
      await account.remove();
    }
  });

test('another user of the host cannot connect to a relay, even where its folder is open', {
  skip: NO_ACCOUNTS,
}, async () => {
  assert.equal(statSync(host.path).mode & 0o777, 0o700);
  const account = makeAccount('sh');
  const own = await makeHostEnd({ server: { port: server.port } });
  const ask = `import socket; s = socket.socket(socket.AF_UNIX); s.connect(${JSON.stringify(own.path)})\ntry: s.send(b"x" * 99); print(s.recv(99) or "refused")\nexcept ConnectionError: print("refused")`;
  const asStranger = () =>
    execFileSync('setpriv', ['--reuid', `${account.uid}`, '--clear-groups', 'python3', '-c', ask], {
      cwd: '/',
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  assert.throws(asStranger);
  chmodSync(dirname(own.path), 0o755);
  assert.throws(asStranger);
  chmodSync(own.path, 0o777);
  assert.equal(asStranger().trim(), 'refused');
  await own.remove();
  await account.remove();
});

test('a relay is not started in a folder that others can enter', async () => {
  const folder = makeFolder();
  chmodSync(folder, 0o755);
  const words = ['-I', RELAY_SCRIPT, 'start', host.record, join(folder, 'relay.sock')];
  assert.throws(() => execFileSync('python3', words, { stdio: 'pipe' }), /is open to other users/);
  assert.deepEqual(readdirSync(folder), []);
});

test('many starts at once make one relay', async () => {
  const own = await makeHostEnd({ server: { port: server.port } });
  const pid = own.pid();
  await own.kill();
  await Promise.all(Array.from({ length: 10 }, () => own.start()));
  const next = own.pid();
  assert.notEqual(next, pid);
  await own.start();
  assert.equal(own.pid(), next);
  assert.equal(await say('one of them', '', own.path), 'one of them');
  await own.remove();
});

test('a relay that is ended leaves nothing behind', async () => {
  const own = await makeHostEnd({ server: { port: server.port } });
  process.kill(own.pid(), 'SIGTERM');
  await eventually('its files are gone', () => readdirSync(dirname(own.path)).join() === 'record of it');
});

/** A relay as on a busy machine: it takes long to become one. */
const SLOW_START = `import os, runpy, sys, time
setsid = os.setsid
os.setsid = lambda: (time.sleep(1), setsid())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
`;

test('a relay that is ended before it is ready leaves nothing behind', async () => {
  const own = await makeHostEnd({ server: { port: server.port } });
  const isGone = () => readdirSync(dirname(own.path)).join() === 'record of it';
  process.kill(own.pid(), 'SIGTERM');
  await eventually('the first is gone', isGone);
  const words = ['-I', '-c', SLOW_START, RELAY_SCRIPT, 'start', own.record, own.path];
  execFileSync('python3', words, { stdio: 'ignore' });
  process.kill(own.pid(), 'SIGTERM');
  await eventually('its files are gone', isGone);
});

/** A connection to the relay, for what no keeper does. */
function dial(path = host.path): { socket: Socket; reader: FrameReader; closed: Promise<unknown> } {
  const socket = connect(path).on('error', () => {});
  const reader = new FrameReader();
  let isMarked = false;
  socket.on('data', (chunk) => {
    const mark = `\n@relay ${VERSION}\n`;
    reader.push(isMarked ? chunk : chunk.subarray(mark.length));
    isMarked = true;
  });
  return { socket, reader, closed: new Promise((resolve) => socket.once('close', resolve)) };
}

const hello = (session = randomBytes(16), state: 'new' | 'resumes' = 'new', received = 0) =>
  helloFrame({ version: VERSION, state, session, received, start: 0 });

/** The socket of a program that reads nothing. */
const deaf = join(makeFolder(), 'deaf.sock');
createServer({ pauseOnConnect: true }).listen(deaf).unref();

/** What may follow a greeting, and ends the session. */
const VIOLATIONS: Readonly<Record<string, readonly Buffer[]>> = {
  'data of a stream that was not opened': [frame(Kind.DATA, 1, Buffer.from('x'))],
  'a stream that is opened twice': [frame(Kind.OPEN, 1), frame(Kind.OPEN, 1)],
  'more data than the window': [
    // A server that reads would give credit meanwhile.
    frame(Kind.OPEN, 1, Buffer.from(deaf)),
    ...Array.from({ length: 80 }, () => frame(Kind.DATA, 1, Buffer.alloc(50_000))),
  ],
  'data after the end': [frame(Kind.OPEN, 1), frame(Kind.EOF, 1), frame(Kind.DATA, 1, Buffer.from('x'))],
  'an acknowledgement of what was not sent': [frame(Kind.ACK, 0, u64(1))],
  'too large a window': [frame(Kind.OPEN, 1), frame(Kind.WINDOW, 1, u32(0xffff_ffff))],
  'a second greeting': [hello()],
};

for (const [name, frames] of Object.entries(VIOLATIONS))
  test(`a keeper that sends ${name} loses its session, and no other does`, async () => {
    const other = await makeKeeperEnd(host.path);
    const session = randomBytes(16);
    const { socket, closed } = dial();
    // The server of this test would echo, and give credit for what it takes.
    socket.write(Buffer.concat([hello(session), ...frames]));
    await closed;
    const again = dial();
    again.socket.write(hello(session, 'resumes'));
    let answer: number | undefined;
    await eventually('it answers', () => {
      answer ??= again.reader.next()?.payload[1];
      return answer !== undefined;
    });
    assert.equal(answer, 2);
    again.socket.destroy();
    assert.deepEqual([other.losses, other.ends], [[], []]);
    await other.close();
  });

test('a carrier with noise ends and its session continues, until the third in a row', async () => {
  const session = randomBytes(16);
  for (const [turn, expected] of [1, 1, 1, 2].entries()) {
    const { socket, reader, closed } = dial();
    socket.write(hello(session, turn === 0 ? 'new' : 'resumes'));
    let state: number | undefined;
    await eventually('it answers', () => {
      state ??= reader.next()?.payload[1];
      return state !== undefined;
    });
    assert.equal(state, turn === 0 ? 0 : expected);
    socket.write('something from a login shell\n');
    await closed.then(
      () => {},
      () => {},
    );
    if (expected === 2) socket.destroy();
  }
});

test('the session that was away for longest gives way to the seventeenth', async () => {
  const own = await makeHostEnd({ server: { port: server.port } });
  const greet = async (session: Buffer<ArrayBuffer>, state: 'new' | 'resumes') => {
    const { socket, reader } = dial(own.path);
    socket.write(hello(session, state));
    let answer: number | undefined;
    await eventually('it answers', () => {
      answer ??= reader.next()?.payload[1];
      return answer !== undefined;
    });
    socket.destroy();
    return answer;
  };
  const [oldest, ...sessions] = Array.from({ length: 17 }, () => randomBytes(16));
  assert.ok(oldest && sessions[0]);
  for (const session of [oldest, ...sessions]) assert.equal(await greet(session, 'new'), 0);
  assert.equal(await greet(sessions[0], 'resumes'), 1);
  assert.equal(await greet(oldest, 'resumes'), 2);
  await own.remove();
});

/** Runs a Python program beside a relay, and returns what it prints. */
const python = (program: string, ...words: string[]) =>
  execFileSync('python3', ['-c', program, ...words], { encoding: 'utf8' });

test('a keeper that greets for an unknown session again and again is left', async () => {
  const { socket, closed } = dial();
  for (let turn = 0; turn < 3; turn++) socket.write(hello(randomBytes(16), 'resumes'));
  await closed;
});

test('a carrier that passes one descriptor instead of two is left, and leaves none open', {
  skip: NO_PROC,
}, async () => {
  const files = openFiles(host.pid());
  const program = `
import array, socket, sys
for turn in range(50):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.sendmsg([b'j'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))])
    assert s.recv(1) == b''
`;
  python(program, host.path);
  await eventually('no more files are open', () => openFiles(host.pid()) <= files);
  assert.equal(await say('here'), 'here');
});

test('a relay that may open few files refuses connections, and keeps the session and those that it has', async () => {
  const own = await makeHostEnd({ server: { port: server.port, hostname: '127.0.0.1' }, files: 60 });
  const keeper = await makeKeeperEnd(own.path);
  await eventually('there is a carrier', () => keeper.session.isAttached);
  const { say: sayOn } = conversationOn(keeper.dial());
  await sayOn('before');
  const programs = Array.from({ length: 100 }, () => keeper.dial());
  let refused = 0;
  for (const program of programs) {
    program.resume().once('end', () => refused++);
    program.write('x');
  }
  await eventually('some are refused', () => refused > 0);
  keeper.takeOver();
  await eventually('another carrier is accepted', () => keeper.opened >= 2);
  await sayOn('after');
  assert.deepEqual(keeper.ends, []);
  await keeper.close();
  await own.remove();
});

test('a relay keeps its server while the record cannot be read, as on a disk of the network', async () => {
  const [file, aside] = [join(host.record, 'record'), join(host.record, 'aside')];
  assert.equal(await say('before'), 'before');
  renameSync(file, aside);
  mkdirSync(file);
  assert.equal(await say('meanwhile'), 'meanwhile');
  rmdirSync(file);
  renameSync(aside, file);
});

test('programs that remove old files from /tmp find no old file of a relay', async () => {
  const own = await makeHostEnd({ server: { port: server.port } });
  const paths = [own.path, `${own.path}.lock`, `${own.path}.log`, dirname(own.path)];
  for (const path of paths) utimesSync(path, 1e9, 1e9);
  await eventually('all are new', () => paths.every((path) => statSync(path).mtimeMs > Date.now() - 60_000));
  await own.remove();
});

/** A valid conversation, in which one byte may be another one, with a checksum that is right or not. */
function fuzzed(): Buffer {
  const frames = [frame(Kind.OPEN, 1, Buffer.from(Math.random() < 0.3 ? '127.0.0.1:1' : ''))];
  for (let count = randomInt(12); count > 0; count--) {
    const kind = randomInt(1, 11) as Kind;
    const length = [34, 8, 8, randomInt(20), randomInt(1, 2000), 0, randomInt(20), 4, randomInt(20)][
      kind - 1
    ];
    frames.push(frame(kind, randomInt(4), randomBytes(length ?? randomInt(3000))));
  }
  const all = Buffer.concat([hello(), ...frames]);
  if (Math.random() < 0.5) all[randomInt(all.length)] = randomInt(256);
  return Math.random() < 0.1 ? randomBytes(randomInt(1, 3000)) : all;
}

test('a thousand keepers that send random bytes do not affect the others', { skip: NO_PROC }, async () => {
  const own = await makeHostEnd({ server: { port: server.port } });
  const keeper = await makeKeeperEnd(own.path);
  await eventually('there is a carrier', () => keeper.session.isAttached);
  const files = openFiles(own.pid());
  for (let turn = 0; turn < 50; turn++) {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { socket, closed } = dial(own.path);
        socket.write(fuzzed());
        // Some read the answer, some are gone at once.
        if (Math.random() < 0.5)
          await new Promise((resolve) => {
            socket.once('data', resolve).once('close', resolve);
            setTimeout(resolve, 50);
          });
        socket.destroy();
        await closed;
      }),
    );
  }
  assert.deepEqual([keeper.losses, keeper.ends], [[], []]);
  // The sessions that were not broken are absent, with their connections: as many others take their places.
  const others: ReturnType<typeof dial>[] = [];
  while (others.length < 15) {
    const other = dial(own.path);
    other.socket.write(hello());
    // While many carriers have not said what they want, another one is refused.
    const isServed = await Promise.race([
      new Promise((resolve) => other.socket.once('data', () => resolve(true))),
      other.closed.then(() => false),
    ]);
    if (isServed) others.push(other);
  }
  for (const { socket } of others) socket.write(frame(Kind.BYE, 0));
  await Promise.all(others.map(({ closed }) => closed));
  await eventually('no file is open that was not open before', () => openFiles(own.pid()) <= files);
  assert.ok(peakMemory(own.pid()) < 40_000, `${peakMemory(own.pid())} kB`);
  assert.doesNotMatch(own.log(), /Traceback|Error\(|failed:/);
  await keeper.close();
  await own.remove();
});

test('a keeper that sends requests and never reads does not fill the memory', { skip: NO_PROC }, async () => {
  const own = await makeHostEnd({ server: { port: server.port } });
  const { socket } = dial(own.path);
  socket.pause();
  socket.write(hello());
  const ping = Buffer.concat(Array.from({ length: 10_000 }, () => frame(Kind.PING, 0, u64(0))));
  for (let turn = 0; turn < 100; turn++) if (!socket.write(ping)) await drained(socket);
  assert.ok(peakMemory(own.pid()) < 40_000, `${peakMemory(own.pid())} kB`);
  socket.destroy();
  await own.remove();
});

test('a relay whose server has ended, and that nobody uses, ends as well', { skip: NO_PROC }, async () => {
  const own = await makeHostEnd({ server: { port: server.port } });
  const pid = own.pid();
  writeFileSync(join(own.record, 'record'), 'pid 999999\nstart_time 1\n');
  await eventually('it has ended', () => !existsSync(`/proc/${pid}/exe`));
  assert.equal(existsSync(own.path), false);
  await own.remove();
});
