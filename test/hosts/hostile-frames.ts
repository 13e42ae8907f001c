import * as fc from 'fast-check';
import { frame, type Kind } from '../../src/session/frames.ts';

/** What a hostile end may send after its greeting. */
export interface Hostile {
  /** How it was made, for the message of a failure. */
  readonly how: string;
  readonly bytes: Buffer;
}

interface Field {
  readonly kind: Kind;
  readonly stream: number;
  readonly payload: Buffer;
}

const bytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));
const written = (fields: readonly Field[]) =>
  Buffer.concat(fields.map(({ kind, stream, payload }) => frame(kind, stream, payload)));

/** A frame, in which one field is another one; its checksum is right. */
function changed(field: Field): fc.Arbitrary<Field> {
  const numbers = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 0xffff_ffff }));
  const { length } = field.payload;
  return fc.oneof(
    fc.integer({ min: 0, max: 12 }).map((kind) => ({ ...field, kind: kind as Kind })),
    numbers.map((stream) => ({ ...field, stream })),
    bytes(length, length).map((payload) => ({ ...field, payload })),
    bytes(0, 300).map((payload) => ({ ...field, payload })),
  );
}

/**
 * Always the same cases: half of them are a valid conversation in which one field of one frame is another one, and half are
 * random frames, bytes, or a conversation in which one byte is another one.
 * @param valid a conversation after the greeting to which nobody objects
 */
export function hostileCases(valid: readonly Field[], count: number, seed: number): Hostile[] {
  const place = fc.nat(valid.length - 1);
  const oneField = place.chain((at) =>
    changed(valid[at] as Field).map((field): Hostile => {
      const how = `frame ${at} is kind ${field.kind}, stream ${field.stream}, ${field.payload.toString('hex')}`;
      return { how, bytes: written(valid.map((each, index) => (index === at ? field : each))) };
    }),
  );
  const frames = fc
    .array(
      fc.record({
        kind: fc.integer({ min: 0, max: 11 }).map((kind) => kind as Kind),
        stream: fc.nat(3),
        payload: fc.oneof(bytes(0, 40), bytes(4, 4), bytes(8, 8)),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((fields) => written(fields));
  const flipped = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, change]) => {
    const all = written(valid);
    all[at % all.length] = (all[at % all.length] ?? 0) ^ change;
    return all;
  });
  const anything = fc
    .oneof(frames, flipped, bytes(1, 300))
    .map((all) => ({ how: all.toString('hex'), bytes: all }));
  const half = { numRuns: count / 2, seed };
  const [first, second] = [fc.sample(oneField, half), fc.sample(anything, half)];
  return first.flatMap((each, index) => [each, ...second.slice(index, index + 1)]);
}
