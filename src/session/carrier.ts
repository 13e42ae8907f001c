import type { Readable, Writable } from 'node:stream';
import {
  Broken,
  type Frame,
  FrameReader,
  frame,
  helloFrame,
  Kind,
  Noise,
  readHello,
  readU64,
  u64,
  VERSION,
} from './frames.ts';
import { freeAfter } from './garbage.ts';
import { linger } from './linger.ts';
import { MarkReader, printable } from './mark.ts';
import { type Session, WIRE, type Wire } from './session.ts';

/** A carrier that is silent for this long is asked for a sign of life … */
const QUIET_MS = 5000;
/** … and is dead without any byte for this long after that. */
const DEAD_MS = 10_000;
/** A carrier that lived for this long was a good one. */
const STEADY_MS = 5000;
const TICK_MS = 1000;
/** A tick that is this late comes after a sleep: what arrived meanwhile has not been read yet. */
const LATE_MS = 3000;
/** Number of consecutive carriers with noise after which the session ends. */
const NOISE = 3;

export interface CarrierOptions {
  /** The session to continue; another one, after the host has answered that it does not know the first. */
  readonly session: () => Session;
  /** Timeout for the first line of the host, in milliseconds; Infinity while a login may ask. */
  readonly greetingMs: number;
  onOpen(carrier: Carrier): void;
  /** Called when nothing is heard (any more), and again when it was. Without it, a silent carrier is closed. */
  onSilence?(carrier: Carrier, isSilent: boolean): void;
  /** Called once, with the reason for its end. */
  onLost(carrier: Carrier, why: string): void;
}

/** One way to the relay on the host, for as long as it lives: a forwarded socket, or the pipes of a command there. */
export class Carrier implements Wire {
  ended = Promise.resolve();
  readonly #reads: Readable;
  readonly #writes: Writable;
  readonly #options: CarrierOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #reader = new FrameReader();
  readonly #mark = new MarkReader();
  #session: Session;
  #state: 'waits' | 'marked' | 'open' | 'closed' = 'waits';
  #openedAt: number | undefined;
  #closedAt: number | undefined;
  #heardAt = performance.now();
  #tickedAt = performance.now();
  #askedAt: number | undefined;
  #isSilent = false;
  #owes = false;
  #isCorked = false;
  readonly #onData = (chunk: Buffer) => this.#read(chunk);

  constructor(reads: Readable, writes: Writable, options: CarrierOptions) {
    this.#reads = reads;
    this.#writes = writes;
    this.#options = options;
    this.#session = options.session();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    reads.on('data', this.#onData);
    for (const end of new Set<Readable | Writable>([reads, writes]))
      end.on('error', (error) => this.close(error.message)).on('close', () => this.close('closed'));
    reads.on('end', () => this.close('closed'));
    writes.on('drain', () => this.#session.pump());
    this.#greet();
  }

  get backlog(): number {
    return this.#writes.writableLength;
  }

  /** For how long it has carried the session, in milliseconds. */
  get openMs(): number {
    return this.#openedAt === undefined ? 0 : (this.#closedAt ?? performance.now()) - this.#openedAt;
  }

  /** Whether a relay has answered. */
  get wasGreeted(): boolean {
    return this.#mark.wasRead;
  }

  /** Many small frames become one write. */
  write(bytes: Buffer): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#writes.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#writes.uncork();
      });
    }
    this.#writes.write(bytes);
    freeAfter(bytes.length);
  }

  /** Asks for a sign of life at once, after a sleep or a change of networks. */
  probe(): void {
    if (this.#state !== 'open') return;
    this.#heardAt = performance.now();
    this.#ask();
  }

  close(why: string): void {
    if (this.#state === 'closed') return;
    this.#closedAt = performance.now();
    this.#state = 'closed';
    clearInterval(this.#timer);
    this.#session.detach(this);
    this.ended = linger(this.#reads.off('data', this.#onData), this.#writes);
    this.#options.onLost(this, why);
  }

  #greet(): void {
    const { id, isKnown, ledger } = this.#session;
    const state = isKnown ? 'resumes' : 'new';
    this.write(helloFrame({ version: VERSION, state, session: id, received: ledger.received, start: 0 }));
  }

  #read(chunk: Buffer): void {
    freeAfter(chunk.length);
    this.#heardAt = performance.now();
    this.#askedAt = undefined;
    if (this.#isSilent) this.#setSilent(false);
    try {
      this.#reader.push(this.#mark.wasRead ? chunk : this.#readMark(chunk));
      for (let next = this.#next(); next; next = this.#next()) this.#take(next);
    } catch (error) {
      this.#failed(error);
    }
    if (this.#state !== 'open') return;
    if (this.#session.ledger.owes('now')) this.#acknowledge(Kind.ACK);
    this.#session.pump();
  }

  /** Returns what comes after the first line of the relay: nothing while that has not come. */
  #readMark(chunk: Buffer): Buffer {
    const rest = this.#mark.read(chunk);
    if (this.#mark.isGone && this.#session.isKnown) this.#session.end('the relay on the host has ended');
    if (this.#mark.isGone) throw new Noise('no relay is running on the host');
    if (this.#mark.wasRead) this.#state = 'marked';
    return rest;
  }

  #next(): Frame | undefined {
    return this.#state === 'closed' ? undefined : this.#reader.next();
  }

  #take(next: Frame): void {
    const { kind, payload } = next;
    if (kind === Kind.HELLO && this.#state === 'marked') this.#greeted(payload);
    else if (kind === Kind.HELLO || this.#state !== 'open')
      throw new Broken(`kind ${kind} at the wrong time`);
    else if (kind === Kind.ACK || kind === Kind.PING) {
      this.#session.ledger.acknowledged(readU64(payload));
      if (kind === Kind.PING) this.#acknowledge(Kind.ACK);
    } else if (kind === Kind.BYE)
      this.#session.end(`the relay on the host ended the session: ${printable(payload.toString())}`);
    else this.#session.take(next);
  }

  #greeted(payload: Buffer): void {
    const { session, state, version, received, start } = readHello(payload);
    if (version !== VERSION || !session.equals(this.#session.id))
      throw new Broken('a response for another session');
    if (state === 'gone') {
      this.#refused();
      return;
    }
    if (this.#session.isOver) throw new Broken('its session has ended meanwhile');
    this.#state = 'open';
    this.#openedAt = performance.now();
    this.#session.attach(this, received, start);
    this.#options.onOpen(this);
  }

  #refused(): void {
    if (this.#session.isKnown) {
      this.#session.end('the relay on the host no longer knows the session');
      this.#session = this.#options.session();
      this.#greet();
    } else this.close('the relay on the host accepts no more sessions');
  }

  #failed(error: unknown): void {
    const session = this.#session;
    if (!(error instanceof Broken || error instanceof Noise)) throw error;
    if (error instanceof Broken) session.end(`the relay on the host breaks the protocol: ${error.message}`);
    else if (this.#state === 'open') {
      session.noise = this.openMs > STEADY_MS ? 1 : session.noise + 1;
      if (session.noise >= NOISE)
        session.end(`something on the host writes into the tunnel (${error.message})`);
    }
    this.close(error.message);
  }

  #acknowledge(kind: typeof Kind.ACK | typeof Kind.PING): void {
    // One that asks and never reads gets one answer, later.
    this.#owes = this.backlog > 2 * WIRE;
    if (!this.#owes) this.write(frame(kind, 0, u64(this.#session.ledger.tell())));
  }

  #ask(): void {
    this.#askedAt = performance.now();
    this.#acknowledge(Kind.PING);
  }

  #setSilent(isSilent: boolean): void {
    this.#isSilent = isSilent;
    if (this.#options.onSilence) this.#options.onSilence(this, isSilent);
    else if (isSilent) this.close('the link is silent');
  }

  #tick(): void {
    const at = performance.now();
    const isLate = at - this.#tickedAt > TICK_MS + LATE_MS;
    this.#tickedAt = at;
    if (isLate) {
      this.#heardAt = at;
      this.probe();
    } else if (this.#state !== 'open') {
      const patience = this.#state === 'waits' ? this.#options.greetingMs : QUIET_MS + DEAD_MS;
      if (at - this.#heardAt <= patience) return;
      this.#options.onSilence?.(this, true);
      this.close('the relay on the host does not respond');
    } else if (this.#askedAt !== undefined && at - this.#askedAt > DEAD_MS) {
      if (!this.#isSilent) this.#setSilent(true);
    } else if (this.#askedAt === undefined && at - this.#heardAt > QUIET_MS) this.#ask();
    else if (this.#owes || this.#session.ledger.owes('soon')) this.#acknowledge(Kind.ACK);
  }
}
