import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  type Frame,
  FrameReader,
  frame,
  helloFrame,
  Kind,
  Noise,
  PIECE,
  readHello,
  VERSION,
} from '../../src/session/frames.ts';

const bytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

const framesOf = (payload: fc.Arbitrary<Buffer>, ...kinds: Kind[]) =>
  fc
    .tuple(fc.constantFrom(...kinds), u32, payload)
    .map(([kind, stream, bytes]): Frame => ({ kind, stream, payload: bytes }));

/** Frames of each kind, of any content. */
const frames = fc.oneof(
  framesOf(bytes(1, 3000), Kind.DATA),
  framesOf(bytes(0, 255), Kind.OPEN, Kind.RESET, Kind.BYE),
  framesOf(bytes(0, 0), Kind.EOF),
  framesOf(bytes(4, 4), Kind.WINDOW),
  framesOf(bytes(8, 8), Kind.ACK, Kind.PING),
);

/** Pushes the bytes in pieces of these lengths, again and again, and returns what is read. */
function readInPieces(all: Buffer, lengths: readonly number[]) {
  const reader = new FrameReader();
  const read = [];
  for (let at = 0, turn = 0; at < all.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    reader.push(all.subarray(at, at + length));
    at += length;
    for (let next = reader.next(); next; next = reader.next())
      read.push({ ...next, payload: Buffer.from(next.payload) });
  }
  return read;
}

test('frames are read as they were written, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(frames, { maxLength: 20, size: 'max' }),
      fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 5 }),
      (written, lengths) => {
        const all = Buffer.concat(written.map(({ kind, stream, payload }) => frame(kind, stream, payload)));
        assert.deepEqual(readInPieces(all, lengths), written);
      },
    ),
  );
});

test('the largest frame passes, and one that is a byte larger is noise', () => {
  const largest = frame(Kind.DATA, 1, Buffer.alloc(PIECE, 7));
  assert.equal(readInPieces(largest, [1000])[0]?.payload.length, PIECE);
  assert.throws(() => readInPieces(frame(Kind.DATA, 1, Buffer.alloc(PIECE + 1)), [1000]), Noise);
});

test('a byte that was changed on the way is noticed, whichever it is', () => {
  fc.assert(
    fc.property(
      frames,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      ({ kind, stream, payload }, at, change) => {
        const all = frame(kind, stream, payload);
        const index = at % all.length;
        all[index] = (all[index] ?? 0) ^ change;
        // A longer length than the true one waits for more bytes: those of the next frames.
        const padded = Buffer.concat([all, Buffer.alloc(PIECE)]);
        assert.throws(() => readInPieces(padded, [padded.length]), Noise);
      },
    ),
  );
});

test('what a login shell prints is noise, not a frame', () => {
  assert.throws(() => readInPieces(Buffer.from('Welcome to gpu!\n'), [100]), Noise);
});

test('a greeting is read as it was written', () => {
  fc.assert(
    fc.property(
      bytes(16, 16),
      fc.constantFrom('new', 'resumes', 'gone'),
      fc.maxSafeNat(),
      fc.maxSafeNat(),
      (session, state, received, start) => {
        const hello = { version: VERSION, state, session, received, start };
        assert.deepEqual(readHello(helloFrame(hello).subarray(13)), hello);
      },
    ),
  );
});

test('the page about the protocol lists each kind of frame with its number', () => {
  const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| (\d+) ([A-Z]+) \|/gm)].map(([, number, name]) => [
    name,
    Number(number),
  ]);
  assert.deepEqual(listed, Object.entries(Kind));
  assert.match(page, new RegExp(`\`@relay ${VERSION}\``));
});
