import { crc32 } from 'node:zlib';

/**
 * The frames between the keeper on this machine and a relay on the host (host/relay.py). A frame is a header (kind u8,
 * stream u32, length u32, CRC-32 of these and of the payload u32; big-endian) and its payload. Frames from OPEN to WINDOW
 * are numbered: see `Ledger`.
 */
export const VERSION = 1;

export const Kind = {
  /** First on each carrier, by both ends: see `Hello`. */
  HELLO: 1,
  /** The number of bytes of numbered frames that have been received, u64. */
  ACK: 2,
  /** The same, and asks for an ACK at once. */
  PING: 3,
  /** By the keeper alone: a new stream, to a target; an empty one is the server of the relay. */
  OPEN: 4,
  DATA: 5,
  /** No more DATA in this direction. */
  EOF: 6,
  /** The stream has ended in both directions, with a reason as text. */
  RESET: 7,
  /** The number of bytes of DATA that the other end may send in addition, u32. */
  WINDOW: 8,
  /** The session ends, with a reason as text. */
  BYE: 9,
} as const;

export type Kind = (typeof Kind)[keyof typeof Kind];

/** Maximum number of bytes in a DATA frame. */
export const PIECE = 64 << 10;
export const HEADER = 13;

/** The least and greatest length of each kind. */
const LENGTHS: Readonly<Record<number, readonly [number, number]>> = {
  [Kind.HELLO]: [34, 34],
  [Kind.ACK]: [8, 8],
  [Kind.PING]: [8, 8],
  [Kind.OPEN]: [0, 255],
  [Kind.DATA]: [1, PIECE],
  [Kind.EOF]: [0, 0],
  [Kind.RESET]: [0, 255],
  [Kind.WINDOW]: [4, 4],
  [Kind.BYE]: [0, 255],
};

export interface Frame {
  readonly kind: Kind;
  readonly stream: number;
  readonly payload: Buffer;
}

/** What is read is not a frame: something else writes into the carrier, such as a program that a login shell left running. */
export class Noise extends Error {}

/** The other end does not keep to the protocol. */
export class Broken extends Error {}

const NOTHING = Buffer.alloc(0);

export function frame(kind: Kind, stream: number, payload: Buffer = NOTHING): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER + payload.length);
  bytes[0] = kind;
  bytes.writeUInt32BE(stream, 1);
  bytes.writeUInt32BE(payload.length, 5);
  payload.copy(bytes, HEADER);
  bytes.writeUInt32BE(crc32(payload, crc32(bytes.subarray(0, 9))), 9);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function readU64(bytes: Buffer): number {
  return Number(bytes.readBigUInt64BE());
}

/** Which session an end wants to continue on this carrier, and from where. */
export interface Hello {
  readonly version: number;
  /** `gone`: the host does not know the session (any more), or has no place for a new one. */
  readonly state: 'new' | 'resumes' | 'gone';
  /** 16 random bytes, which are the right to the session. */
  readonly session: Buffer;
  /** The number of bytes of numbered frames that this end has received. */
  readonly received: number;
  /** By the host: the number of the first byte that it sends on this carrier. At most `received` of the keeper. */
  readonly start: number;
}

const STATES = ['new', 'resumes', 'gone'] as const;

export function helloFrame({ version, state, session, received, start }: Hello): Buffer {
  return frame(
    Kind.HELLO,
    0,
    Buffer.concat([Buffer.from([version, STATES.indexOf(state)]), session, u64(received), u64(start)]),
  );
}

/** @throws Broken when it has an unknown state */
export function readHello(payload: Buffer): Hello {
  const state = STATES[payload[1] ?? -1];
  if (state === undefined) throw new Broken(`state ${payload[1]}`);
  return {
    version: payload[0] ?? 0,
    state,
    session: Buffer.from(payload.subarray(2, 18)),
    received: readU64(payload.subarray(18)),
    start: readU64(payload.subarray(26)),
  };
}

/** Reads frames from bytes that are cut anywhere. Keeps at most one frame and what came with its end. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /**
   * Returns the next frame if it is complete. Its payload may be a part of a pushed chunk.
   * @throws Noise when there is none
   */
  next(): Frame | undefined {
    if (this.#length < HEADER) return undefined;
    const head = this.#first(HEADER);
    const kind = head[0] ?? 0;
    const length = head.readUInt32BE(5);
    const [least, most] = LENGTHS[kind] ?? [1, 0];
    if (length < least || length > most) throw new Noise(`kind ${kind} with length ${length}`);
    if (this.#length < HEADER + length) return undefined;
    const bytes = this.#first(HEADER + length);
    const payload = bytes.subarray(HEADER, HEADER + length);
    if (crc32(payload, crc32(bytes.subarray(0, 9))) !== bytes.readUInt32BE(9)) throw new Noise('checksum');
    this.#chunks[0] = bytes.subarray(HEADER + length);
    this.#length -= HEADER + length;
    if (this.#chunks[0].length === 0) this.#chunks.shift();
    return { kind: kind as Kind, stream: bytes.readUInt32BE(1), payload };
  }

  /** Makes the first chunk at least as long as this. */
  #first(length: number): Buffer {
    const [chunk = NOTHING] = this.#chunks;
    if (chunk.length >= length) return chunk;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}
