import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { test } from 'node:test';
import { FrameReader, helloFrame, Kind, u32, u64, VERSION } from '../../src/session/frames.ts';
import { exchangeWith } from '../hosts/conversation.ts';
import { makeHostEnd, serve } from '../hosts/host-end.ts';
import { type Hostile, hostileCases } from '../hosts/hostile-frames.ts';
import { makeKeeperEnd } from '../hosts/keeper-end.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { openFiles, peakMemory } from '../hosts/proc.ts';
import { eventually } from '../hosts/world.ts';

const SEED = 20_261_129;
const COUNT = 10_000;
const AT_A_TIME = 10;
const MARK = `\n@relay ${VERSION}\n`;

/** A keeper to which a relay has no objection. */
const VALID = [
  { kind: Kind.OPEN, stream: 1, payload: Buffer.alloc(0) },
  { kind: Kind.DATA, stream: 1, payload: Buffer.from('hello') },
  { kind: Kind.ACK, stream: 0, payload: u64(0) },
  { kind: Kind.OPEN, stream: 2, payload: Buffer.from('127.0.0.1:1') },
  { kind: Kind.WINDOW, stream: 1, payload: u32(1000) },
  { kind: Kind.DATA, stream: 1, payload: Buffer.alloc(200, 'x') },
  { kind: Kind.PING, stream: 0, payload: u64(0) },
  { kind: Kind.RESET, stream: 2, payload: Buffer.from('the end') },
  { kind: Kind.EOF, stream: 1, payload: Buffer.alloc(0) },
];

/** Greets as a new session, and sends a case and its end. Returns why the relay ended the session, if it did. */
function beHostile(path: string, { bytes }: Hostile): Promise<string | undefined> {
  const socket = connect({ path, allowHalfOpen: true }).on('error', () => {});
  const reader = new FrameReader();
  const hello = { version: VERSION, state: 'new', session: randomBytes(16), received: 0, start: 0 } as const;
  socket.end(Buffer.concat([helloFrame(hello), bytes]));
  let skipped = 0;
  let reason: string | undefined;
  socket.on('data', (chunk) => {
    const start = Math.min(chunk.length, MARK.length - skipped);
    skipped += start;
    reader.push(chunk.subarray(start));
    for (let next = reader.next(); next; next = reader.next())
      if (next.kind === Kind.BYE) reason = next.payload.toString();
  });
  return new Promise((resolve) => socket.once('close', () => resolve(reason)));
}

test('ten thousand keepers that send anything are cut off with a reason, and a relay serves the others as before', {
  skip: NO_PROC,
}, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const echo = await serve((socket) => void socket.pipe(socket));
  const host = await makeHostEnd({ server: { port: echo.port, hostname: '127.0.0.1' } });
  const other = await makeKeeperEnd(host.path);
  await exchangeWith(other.dial(), 1000);
  const files = openFiles(host.pid());
  const cases = hostileCases(VALID, COUNT, SEED);
  const reasons = new Map<string, number>();
  const meet = async (index: number) => {
    const why = await beHostile(host.path, cases[index] as Hostile);
    assert.notEqual(why, '', `case ${index} of seed ${SEED}: ${cases[index]?.how}`);
    const kind = (why ?? 'not ended').replace(/\d+/g, 'N');
    reasons.set(kind, (reasons.get(kind) ?? 0) + 1);
  };
  for (let index = 0; index < COUNT; index += AT_A_TIME) {
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, next) => meet(index + next)));
    if (index % 1000 === 0) await exchangeWith(other.dial(), 1000);
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(reasons)));
  // Noise ends only a carrier, which the keeper is not told.
  assert.ok(reasons.size > 5, [...reasons.keys()].join());
  assert.deepEqual([other.losses, other.ends], [[], []]);
  assert.doesNotMatch(host.log(), /Traceback|Error\(|failed:/);
  // What was not ended is absent: as many other sessions take the places.
  for (let session = 0; session < 16; session++)
    await beHostile(host.path, { how: 'BYE', bytes: Buffer.alloc(0) });
  await eventually('no more files are open than before', () => openFiles(host.pid()) <= files);
  const memory = peakMemory(host.pid());
  assert.ok(memory < 40_000, `${memory} kB`);
  await exchangeWith(other.dial(), 1000);
  await other.close();
  await host.remove();
  await echo.close();
});
