import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { frame, helloFrame, Kind, u32, u64, VERSION } from '../../src/session/frames.ts';
import { type KeeperEnd, makeKeeperEnd } from '../hosts/keeper-end.ts';
import { keptMemory } from '../hosts/memory.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';

/** What a host can do to this machine through a tunnel: end its own session, and nothing else. */

const MARK = Buffer.from(`\n@relay ${VERSION}\n`);
const HEADER = 13;

let server: Server | undefined;
let keeper: KeeperEnd | undefined;
let carriers = 0;
const sockets = new Set<Socket>();
afterEach(async () => {
  await keeper?.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server?.close(resolve));
});

/** A host that answers each greeting with the first bytes, and what comes after it with the second ones. */
async function hostThatSays(answer: (session: Buffer) => Buffer, later?: Buffer): Promise<KeeperEnd> {
  const path = join(makeFolder(), 'host.sock');
  carriers = 0;
  server = createServer((socket) => {
    carriers++;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.once('data', (hello) => {
      socket.write(answer(hello.subarray(HEADER + 2, HEADER + 18)));
      socket.once('data', () => later && socket.write(later));
    });
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
  keeper = await makeKeeperEnd(path);
  return keeper;
}

const hello = (session: Buffer, state: 'new' | 'resumes' | 'gone' = 'new', received = 0, start = 0) =>
  helloFrame({ version: VERSION, state, session, received, start });

const greeting = (session: Buffer) => Buffer.concat([MARK, hello(session)]);

/** What may follow a greeting, and why the session ends then. */
const VIOLATIONS: Readonly<Record<string, readonly [RegExp, ...Buffer[]]>> = {
  'data of a stream that was not opened': [/not opened/, frame(Kind.DATA, 1, Buffer.from('x'))],
  'a stream of its own': [/not opened/, frame(Kind.OPEN, 1)],
  'an acknowledgement of what was not sent': [/acknowledges 1000000/, frame(Kind.ACK, 0, u64(1e6))],
  'a second greeting': [/wrong time/, hello(Buffer.alloc(16))],
  'its end, with control characters': [
    /ended the session: a.\[31mb$/,
    frame(Kind.BYE, 0, Buffer.from('a\x1b[31mb')),
  ],
};

for (const [name, [why, ...frames]] of Object.entries(VIOLATIONS))
  test(`a host that sends ${name} loses its session`, async () => {
    const { ends } = await hostThatSays((session) => Buffer.concat([greeting(session), ...frames]));
    await eventually('the session has ended', () => ends.length > 0);
    assert.match(ends[0] ?? '', why);
  });

test('a host that sends more than a program takes loses its session', async () => {
  const much = Array.from({ length: 100 }, () => frame(Kind.DATA, 1, Buffer.alloc(60_000)));
  const { dial, ends } = await hostThatSays(greeting, Buffer.concat(much));
  dial().pause();
  await eventually('the session has ended', () => ends.some((why) => /more data than the window/.test(why)));
});

test('a host that gives too large a window loses its session', async () => {
  const { dial, ends } = await hostThatSays(greeting, frame(Kind.WINDOW, 1, u32(0xffff_ffff)));
  dial();
  await eventually('the session has ended', () => ends.some((why) => /window is too large/.test(why)));
});

/** What is no session at all: the carrier ends, and the programs wait. */
const REFUSALS: Readonly<Record<string, readonly [RegExp, (session: Buffer) => Buffer]>> = {
  'is no relay': [/not from the relay/, () => Buffer.alloc(100_000, 'x')],
  'has another version': [/has version 99/, () => Buffer.from('\n@relay 99\n')],
  'has no relay': [/no relay is running/, () => Buffer.from('noise\n@relay gone\n')],
  'takes no session': [/accepts no more/, (session) => Buffer.concat([MARK, hello(session, 'gone')])],
  'answers for another session': [/another session/, () => greeting(randomBytes(16))],
  'begins behind what has arrived': [
    /begins at 5/,
    (session) => Buffer.concat([MARK, hello(session, 'new', 0, 5)]),
  ],
  'has received what was not sent': [
    /received 9 of 0/,
    (session) => Buffer.concat([MARK, hello(session, 'new', 9)]),
  ],
};

for (const [name, [why, answer]] of Object.entries(REFUSALS))
  test(`a host that ${name} is left`, async () => {
    const { losses, session } = await hostThatSays(answer);
    await eventually('the carrier is lost', () => losses.length > 0);
    assert.match(losses[0] ?? '', why);
    assert.equal(session.isAttached, false);
  });

test('noise ends the carrier, and the third time in a row the session', async () => {
  const keeper = await hostThatSays((session) =>
    Buffer.concat([greeting(session), Buffer.from('You have new mail.\n')]),
  );
  await eventually('the session has ended', () => keeper.ends.length > 0);
  assert.match(keeper.ends[0] ?? '', /something on the host writes into the tunnel/);
  assert.ok(carriers >= 3);
});

test('hundreds of hosts that send random bytes neither fill the memory nor end the process', async () => {
  await hostThatSays((session) => {
    const frames = Array.from({ length: randomInt(10) }, () => {
      const kind = randomInt(1, 11) as Kind;
      const length = [34, 8, 8, 9, randomInt(1, 2000), 0, randomInt(20), 4, 9][kind - 1] ?? randomInt(3000);
      return frame(kind, randomInt(3), randomBytes(length));
    });
    const all = Buffer.concat([greeting(session), ...frames]);
    if (Math.random() < 0.5) all[randomInt(all.length)] = randomInt(256);
    return all;
  });
  const before = keptMemory();
  // Some answer with so little that the keeper waits for more.
  const dialing = setInterval(() => {
    keeper?.dial();
    keeper?.takeOver();
  }, 10);
  await eventually('five hundred have answered', () => carriers >= 500, 300_000);
  clearInterval(dialing);
  const grown = (keptMemory() - before) / 1e6;
  assert.ok(grown < 100, `${grown} MB more`);
});
