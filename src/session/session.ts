import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Broken, type Frame, frame, Kind } from './frames.ts';
import { Ledger } from './ledger.ts';
import { Stream, type StreamOwner } from './stream.ts';

/** Number of bytes that may wait in a carrier. */
export const WIRE = 256 << 10;
/** Maximum number of streams at a time. */
const STREAMS = 256;

/** What a session needs of its carrier. */
export interface Wire {
  /** Number of bytes that wait to be written. */
  readonly backlog: number;
  write(frame: Buffer): void;
  /** Ends it, because another one has taken its place or its session has ended. */
  close(why: string): void;
  /** Settles when the host has closed it, too, or does not respond; at once while it is open. */
  readonly ended: Promise<void>;
}

/**
 * All connections through the tunnel to one relay. It outlives its carriers: while there is none, its streams wait.
 */
export class Session implements StreamOwner {
  readonly id = randomBytes(16);
  readonly ledger = new Ledger();
  windows = 0;
  /** Number of consecutive carriers that brought noise. */
  noise = 0;
  readonly #onEnd: (why: string) => void;
  readonly #streams = new Map<number, Stream>();
  readonly #unopened = new Set<Stream>();
  /** The streams that can send, in their order. */
  readonly #turn = new Set<Stream>();
  #newest = 0;
  #wire: Wire | undefined;
  #isKnown = false;
  #isPumping = false;
  #isOver = false;

  /** @param onEnd called once, when the session has ended and has reset all its streams */
  constructor(onEnd: (why: string) => void) {
    this.#onEnd = onEnd;
  }

  /** Whether the host has made it. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isAttached(): boolean {
    return this.#wire !== undefined;
  }

  get streams(): number {
    return this.#streams.size + this.#unopened.size;
  }

  /** Carries a connection to a target: an empty one is the server, others are `HOST:PORT` or the path of a socket. */
  open(socket: Duplex, target: string): void {
    if (this.#isOver || this.streams >= STREAMS) {
      socket.destroy();
      return;
    }
    const stream = new Stream(this, socket, target);
    this.#unopened.add(stream);
    this.ready(stream);
  }

  /**
   * Continues on a carrier, from the bytes that the host has received. The host begins with byte `start`.
   * @throws Broken when that cannot be
   */
  attach(wire: Wire, received: number, start: number): void {
    this.ledger.rewind(received);
    this.ledger.restart(start);
    const old = this.#wire;
    this.#wire = wire;
    this.#isKnown = true;
    old?.close('another carrier has taken its place');
    this.pump();
  }

  detach(wire: Wire): void {
    if (this.#wire === wire) this.#wire = undefined;
  }

  /** Takes a numbered frame. @throws Broken when the host does not keep to the protocol */
  take(next: Frame): void {
    if (!this.ledger.took(next.payload)) return;
    if (next.kind === Kind.OPEN || next.stream > this.#newest || next.stream === 0)
      throw new Broken(`kind ${next.kind} for stream ${next.stream}, which was not opened`);
    // A stream that has ended here may get frames that were sent before the host knew.
    this.#streams.get(next.stream)?.take(next);
  }

  /** Writes what the carrier takes: what was written before and control frames first, then of each stream in turn. */
  pump(): void {
    const wire = this.#wire;
    if (!wire || this.#isPumping) return;
    this.#isPumping = true;
    while (wire === this.#wire && wire.backlog < WIRE) {
      const bytes = this.ledger.next() ?? this.#nextOfStreams();
      if (!bytes) break;
      this.ledger.wrote(bytes);
      wire.write(bytes);
    }
    this.#isPumping = false;
  }

  #nextOfStreams(): Buffer | undefined {
    if (!this.ledger.mayGrow) return undefined;
    for (const stream of this.#turn) {
      this.#turn.delete(stream);
      if (!stream.isAble) continue;
      const bytes = stream.next();
      if (stream.isAble) this.#turn.add(stream);
      return bytes;
    }
    return undefined;
  }

  /** Ends the session on the host as well, if there is a carrier. Settles when the host knows it, or does not respond. */
  async bye(why: string): Promise<void> {
    const wire = this.#wire;
    wire?.write(frame(Kind.BYE, 0, Buffer.from(why)));
    this.end(why);
    await wire?.ended;
  }

  /** Ends the session and resets all its streams. */
  end(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const wire = this.#wire;
    this.#wire = undefined;
    for (const stream of [...this.#streams.values(), ...this.#unopened]) stream.reset();
    wire?.close(why);
    this.#onEnd(why);
  }

  send(bytes: Buffer): void {
    if (this.#isOver) return;
    if (this.ledger.add(bytes)) this.pump();
    else this.end('the host acknowledges nothing');
  }

  ready(stream: Stream): void {
    if (!stream.isAble) return;
    this.#turn.add(stream);
    this.pump();
  }

  ended(stream: Stream): void {
    this.#turn.delete(stream);
    this.#unopened.delete(stream);
    if (stream.number !== undefined) this.#streams.delete(stream.number);
  }

  nextNumber(stream: Stream): number {
    this.#unopened.delete(stream);
    this.#streams.set(++this.#newest, stream);
    return this.#newest;
  }
}
