import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { exchangeWith, received } from '../hosts/conversation.ts';
import { type HostEnd, type Link, makeHostEnd, makeLink, serve } from '../hosts/host-end.ts';
import { type KeeperEnd, makeKeeperEnd } from '../hosts/keeper-end.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { peakMemory } from '../hosts/proc.ts';
import { eventually } from '../hosts/world.ts';

/** A session with a real relay, whose carriers are lost in each way. The server is one of the test's own. */

/** What the server does with the next connections. */
let onConnection: (socket: Socket) => void;
const echo = (socket: Socket) => void socket.pipe(socket);

let server: Awaited<ReturnType<typeof serve>>;
let host: HostEnd;
let link: Link;
let keeper: KeeperEnd;

before(async () => {
  server = await serve((socket) => onConnection(socket));
  host = await makeHostEnd({ server: { port: server.port, hostname: '127.0.0.1' } });
});
after(async () => {
  await host.remove();
  await server.close();
});

beforeEach(async () => {
  onConnection = echo;
  link = await makeLink(host.path);
  keeper = await makeKeeperEnd(link.path);
});
afterEach(async () => {
  await keeper.close();
  await link.close();
});

const exchange = (size: number) => exchangeWith(keeper.dial(), size);
/** Number of bytes after which a carrier is cut in the midst of what is sent again. */
const EARLY = 5000;

const carried = () => eventually('there is a carrier', () => keeper.session.isAttached);

test('bytes arrive as they were sent, in both directions, with the end of each', async () => {
  await exchange(1);
  await exchange(3_000_000);
  assert.deepEqual(keeper.losses, []);
});

test('twenty streams each way lose nothing while their link is cut, frozen and taken over two hundred times', async () => {
  let isOver = false;
  const streams = Promise.all(
    Array.from({ length: 20 }, async () => {
      while (!isOver) await exchange(1 + Math.floor(Math.random() * 1_000_000));
    }),
  );
  let midst = 0;
  for (let cut = 0; cut < 200 || midst < 67; cut++) {
    const opened = keeper.opened;
    const enough = 500 + Math.random() * 300_000;
    await eventually(
      'bytes went both ways on this carrier',
      () => keeper.session.isAttached && link.passed > enough && link.sent > 500,
      60_000,
      1,
    );
    // The next carrier is cut early, while more is sent again than it can pass.
    const isEarly = cut % 2 === 0;
    if (isEarly) link.cutNextAt(EARLY);
    if (cut % 4 === 3) {
      link.freeze();
      keeper.takeOver();
    } else if (cut % 4 === 2) {
      keeper.takeOver();
    } else link.cut();
    await eventually('there is another carrier', () => keeper.opened > opened, 60_000, 1);
    if (!isEarly) continue;
    await eventually('there is one after it', () => keeper.opened > opened + 1, 60_000, 1);
    const again = [...host.log().matchAll(/writes (\d+) bytes again/g)].at(-2)?.[1];
    if (Number(again) > EARLY) midst++;
  }
  isOver = true;
  await streams;
  assert.deepEqual(keeper.ends, []);
});

test('what a server writes while there is no carrier arrives later', async () => {
  let writer: Socket | undefined;
  onConnection = (socket) => {
    writer = socket;
  };
  const program = keeper.dial();
  await eventually('the server has the connection', () => writer !== undefined);
  const all = received(program);
  link.freeze();
  const lines = Array.from({ length: 600 }, (_, line) => `line ${line}\n`);
  for (const line of lines) writer?.write(line);
  writer?.end();
  await new Promise((resolve) => setTimeout(resolve, 300));
  keeper.takeOver();
  assert.equal((await all).toString(), lines.join(''));
});

test('a connection that closes before anything of it was sent is forgotten', async () => {
  let connections = 0;
  onConnection = (socket) => {
    connections++;
    echo(socket);
  };
  await carried();
  await link.close();
  await eventually('the link is away', () => !keeper.session.isAttached);
  const page = keeper.dial();
  page.end('POST /save');
  await new Promise((resolve) => page.once('close', resolve));
  const other = keeper.dial();
  const back = new Promise((resolve) => other.once('data', (chunk) => resolve(chunk.toString())));
  other.write('POST /other');
  keeper.goTo(host.path);
  assert.equal(await back, 'POST /other');
  assert.equal(connections, 1);
});

test('a reader that stops holds up neither the others nor more memory than its window', {
  skip: NO_PROC,
}, async () => {
  const size = 2 << 20;
  onConnection = (socket) =>
    void socket.once('data', (first) => {
      if (first.toString() === 'much') socket.end(Buffer.alloc(size));
      else socket.end('small');
    });
  const stalled = Array.from({ length: 64 }, () => {
    const program = keeper.dial();
    program.write('much');
    return program.pause();
  });
  await eventually('all of them wait', () => keeper.session.streams === 64);
  for (let turn = 0; turn < 20; turn++) {
    const program = keeper.dial();
    const back = received(program);
    program.write('small');
    assert.equal((await back).toString(), 'small');
  }
  const memory = peakMemory(host.pid());
  assert.ok(memory < 100_000, `the relay has ${memory} kB`);
  const sizes = await Promise.all(
    stalled.map(async (program) => {
      const all = received(program);
      program.resume();
      return (await all).length;
    }),
  );
  assert.deepEqual(new Set(sizes), new Set([size]));
});

test('a server that closes before it has read all ends the connection, after what it wrote', async () => {
  onConnection = (socket) => {
    socket.write('too large');
    setTimeout(() => socket.destroy(), 50);
  };
  const program = keeper.dial();
  let text = '';
  program.on('data', (chunk) => {
    text += chunk;
  });
  const ended = new Promise((resolve) => program.once('end', resolve).once('close', resolve));
  program.write(Buffer.alloc(1_000_000));
  await ended;
  assert.equal(text, 'too large');
  await eventually('nothing is left of it', () => keeper.session.streams === 0);
});

test('what a server wrote before it was gone arrives, although the relay first notices that it takes no more', async () => {
  let atServer: Socket | undefined;
  onConnection = (socket) => {
    atServer = socket.resume();
  };
  const program = keeper.dial();
  let text = '';
  program.on('data', (chunk) => {
    text += chunk;
  });
  const ended = new Promise((resolve) => program.once('end', resolve).once('close', resolve));
  await eventually('the server has the connection', () => atServer !== undefined);
  process.kill(host.pid(), 'SIGSTOP');
  const { sent } = link;
  program.write('more for the server');
  await eventually('it is at the relay', () => link.sent > sent);
  await new Promise((resolve) => atServer?.write('an answer', resolve));
  atServer?.resetAndDestroy();
  process.kill(host.pid(), 'SIGCONT');
  await ended;
  assert.equal(text, 'an answer');
});

test('half of a connection can end before the other', async () => {
  let asked = '';
  onConnection = (socket) => {
    socket.on('data', (chunk) => {
      asked += chunk;
    });
    socket.once('end', () => socket.end(`answer to ${asked}`));
  };
  const program = keeper.dial();
  const back = received(program);
  await carried();
  program.end('question');
  await eventually('it was asked', () => asked !== '');
  link.cut();
  assert.equal((await back).toString(), 'answer to question');
});

test('a relay that was killed is noticed, and its connections are reset', async () => {
  const program = keeper.dial();
  await carried();
  program.write('hello');
  await new Promise((resolve) => program.once('data', resolve));
  const closed = new Promise((resolve) => program.once('end', resolve).once('close', resolve));
  await host.kill();
  await eventually('the link is lost', () => keeper.losses.length > 0);
  await host.start();
  await closed;
  assert.deepEqual(keeper.ends, ['the relay on the host no longer knows the session']);
  await exchange(1000);
});
