import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { Carrier } from '../../src/session/carrier.ts';
import { FrameReader, helloFrame, Kind, u32, u64, VERSION } from '../../src/session/frames.ts';
import { Session } from '../../src/session/session.ts';
import { exchangeWith } from '../hosts/conversation.ts';
import { makeHostEnd, serve } from '../hosts/host-end.ts';
import { type Hostile, hostileCases } from '../hosts/hostile-frames.ts';
import { makeKeeperEnd } from '../hosts/keeper-end.ts';
import { keptMemory } from '../hosts/memory.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { openFiles } from '../hosts/proc.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';

const SEED = 20_261_129;
const COUNT = 10_000;
const AT_A_TIME = 20;
const HEADER = 13;

/** A host to which the keeper has no objection, once it has opened stream 1. */
const VALID = [
  { kind: Kind.DATA, stream: 1, payload: Buffer.from('hello') },
  { kind: Kind.WINDOW, stream: 1, payload: u32(1000) },
  { kind: Kind.ACK, stream: 0, payload: u64(HEADER) },
  { kind: Kind.DATA, stream: 1, payload: Buffer.alloc(200, 'x') },
  { kind: Kind.PING, stream: 0, payload: u64(HEADER) },
  { kind: Kind.EOF, stream: 1, payload: Buffer.alloc(0) },
  { kind: Kind.RESET, stream: 1, payload: Buffer.from('the end') },
];

/** The host greets, and answers the first frame with a case and its end. */
function beHostile(socket: Socket, { bytes }: Hostile): void {
  const reader = new FrameReader();
  let hasAnswered = false;
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    reader.push(chunk);
    for (let next = reader.next(); next; next = reader.next()) {
      if (next.kind === Kind.HELLO) {
        const session = next.payload.subarray(2, 18);
        const hello = helloFrame({ version: VERSION, state: 'new', session, received: 0, start: 0 });
        socket.write(Buffer.concat([Buffer.from(`\n@relay ${VERSION}\n`), hello]));
      } else if (!hasAnswered) {
        hasAnswered = true;
        socket.end(bytes);
      }
    }
  });
}

test('ten thousand hosts that send anything are left with a reason, and another tunnel of the same keeper works on', {
  skip: NO_PROC,
}, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const path = join(makeFolder(), 'host.sock');
  const cases = hostileCases(VALID, COUNT, SEED);
  let at = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => beHostile(socket, cases[at++] as Hostile));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  const echo = await serve((socket) => void socket.pipe(socket));
  t.after(() => echo.close());
  const host = await makeHostEnd({ server: { port: echo.port, hostname: '127.0.0.1' } });
  t.after(() => host.remove());
  const other = await makeKeeperEnd(host.path);
  t.after(() => other.close());
  await exchangeWith(other.dial(), 1000);
  const files = openFiles(process.pid);
  const reasons = new Map<string, number>();
  const count = (why: string) => {
    const kind = why.replace(/\d+/g, 'N').replace(/(ended the session): .*/, '$1');
    reasons.set(kind, (reasons.get(kind) ?? 0) + 1);
  };
  const meet = (index: number) =>
    new Promise<void>((resolve) => {
      const session = new Session((why) => count(`session: ${why}`));
      const far = connect(path);
      const program = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
      session.open(program, '');
      new Carrier(far, far, {
        session: () => session,
        greetingMs: 15_000,
        onOpen: () => {},
        onLost: (_carrier, why) => {
          assert.notEqual(why, '', `case ${index} of seed ${SEED}: ${cases[index]?.how}`);
          count(`carrier: ${why}`);
          session.end('the test is over');
          assert.equal(session.streams, 0, `case ${index} of seed ${SEED}: ${cases[index]?.how}`);
          resolve();
        },
      });
    });
  let before = 0;
  for (let index = 0; index < COUNT; index += AT_A_TIME) {
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, next) => meet(index + next)));
    if (index % 1000 === 0) await exchangeWith(other.dial(), 1000);
    if (index === 1000) before = keptMemory();
  }
  const broken = [...reasons].filter(([why]) => /breaks the protocol/.test(why));
  t.diagnostic(JSON.stringify(Object.fromEntries(reasons)));
  assert.ok(broken.reduce((sum, [, times]) => sum + times, 0) > COUNT / 10);
  assert.deepEqual([other.losses, other.ends], [[], []]);
  await eventually('no more files are open than before', () => openFiles(process.pid) <= files);
  const grown = (keptMemory() - before) / 1e6;
  t.diagnostic(`${grown} MB more`);
  assert.ok(grown < 20, `${grown} MB more`);
});
