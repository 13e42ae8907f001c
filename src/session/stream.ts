import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ByteQueue } from './byte-queue.ts';
import { Broken, type Frame, frame, Kind, PIECE, u32 } from './frames.ts';

/** The window of a stream at first and at most, and of all streams of a session: a stalled reader holds at most its window. */
const FIRST_WINDOW = 128 << 10;
const MOST_WINDOW = 4 << 20;
const ALL_WINDOWS = 12 << 20;

/** What a stream needs of its session. */
export interface StreamOwner {
  /** The sum of the windows of all its streams. */
  windows: number;
  /** Sends a control frame. */
  send(bytes: Buffer): void;
  /** Called when the stream may have become able to send. */
  ready(stream: Stream): void;
  /** Called once, when it has ended. */
  ended(stream: Stream): void;
  /** Returns the number of a new stream. */
  nextNumber(stream: Stream): number;
}

/** One connection of a program on this machine, such as a browser, through the tunnel. */
export class Stream {
  /** Undefined until its OPEN has been written: a stream that closes before that is forgotten. */
  number: number | undefined;
  readonly #owner: StreamOwner;
  readonly #socket: Duplex;
  readonly #target: string;
  // Towards the host.
  #credit = FIRST_WINDOW;
  #hasEnded = false;
  #eofSent = false;
  // From the host: the window, how much of it may still come, and how much the socket has taken since the last credit.
  #window = FIRST_WINDOW;
  #due = FIRST_WINDOW;
  #taken = 0;
  #waiting = new ByteQueue();
  #isWriting = false;
  #eof = false;
  #reset = false;
  #gone = false;

  constructor(owner: StreamOwner, socket: Duplex, target: string) {
    this.#owner = owner;
    this.#socket = socket;
    this.#target = target;
    owner.windows += this.#window;
    socket.on('readable', () => {
      // Only a read at the end makes the socket emit it.
      if (socket.readableLength === 0) socket.read();
      owner.ready(this);
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      owner.ready(this);
    });
    socket.on('error', () => {});
    socket.on('close', () => this.#closed());
  }

  /** Whether it has a frame to send and may send it. */
  get isAble(): boolean {
    if (this.#gone || this.#eofSent) return false;
    if (this.number === undefined) return true;
    return this.#socket.readableLength > 0 ? this.#credit > 0 : this.#hasEnded;
  }

  /** The next frame to be sent. The first one opens the stream. */
  next(): Buffer {
    if (this.number === undefined) {
      this.number = this.#owner.nextNumber(this);
      return frame(Kind.OPEN, this.number, Buffer.from(this.#target));
    }
    const all = this.#socket.readableLength;
    const size = Math.min(all, PIECE, this.#credit);
    // read(n) of all that is buffered would hide the end.
    const data: Buffer | null =
      size === 0 ? null : size === all ? this.#socket.read() : this.#socket.read(size);
    if (data) {
      this.#credit -= data.length;
      return frame(Kind.DATA, this.number, data);
    }
    this.#eofSent = true;
    return frame(Kind.EOF, this.number);
  }

  /** @throws Broken when the host sends more than it may */
  take({ kind, payload }: Frame): void {
    if (kind === Kind.DATA) this.#write(payload);
    else if (kind === Kind.EOF) {
      this.#eof = true;
      this.#flush();
    } else if (kind === Kind.RESET) this.reset();
    else if (kind === Kind.WINDOW) {
      this.#credit += payload.readUInt32BE();
      if (this.#credit > 2 * MOST_WINDOW) throw new Broken('the window is too large');
      this.#owner.ready(this);
    }
  }

  /** Ends it, after what came before has been written. */
  reset(): void {
    if (this.#reset) return;
    this.#reset = true;
    this.#finish(false);
    this.#flush();
  }

  #write(data: Buffer): void {
    this.#due -= data.length;
    if (this.#due < 0 || this.#eof) throw new Broken('more data than the window');
    this.#waiting.push(data);
    this.#flush();
  }

  /** Writes what waits, unless the socket has not yet taken what was written before. */
  #flush(): void {
    const socket = this.#socket;
    if (this.#isWriting || socket.destroyed) return;
    if (this.#waiting.isEmpty) {
      if (this.#reset) reset(socket);
      else if (this.#eof && !socket.writableEnded) socket.end();
      return;
    }
    this.#isWriting = true;
    const blocks = this.#waiting.takeAll();
    const size = blocks.reduce((sum, { length }) => sum + length, 0);
    socket.cork();
    for (const block of blocks.slice(0, -1)) socket.write(block);
    socket.write(blocks.at(-1), () => {
      this.#isWriting = false;
      this.#taken += size;
      this.#give();
      this.#flush();
    });
    socket.uncork();
  }

  /** Gives credit for what the socket has taken. A stream that takes all of it gets a window four times as large. */
  #give(): void {
    if (this.#gone || this.#eof || this.number === undefined || this.#taken < this.#window / 4) return;
    const left = Math.floor((ALL_WINDOWS - this.#owner.windows) / 2);
    const more = Math.max(0, Math.min(3 * this.#taken, MOST_WINDOW - this.#window, left));
    const credit = this.#taken + more;
    this.#owner.windows += more;
    this.#window += more;
    this.#due += credit;
    this.#taken = 0;
    this.#owner.send(frame(Kind.WINDOW, this.number, u32(credit)));
  }

  #closed(): void {
    this.#finish(!(this.#eofSent && this.#eof));
  }

  #finish(tellHost: boolean): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#owner.windows -= this.#window;
    this.#owner.ended(this);
    if (tellHost && this.number !== undefined) this.#owner.send(frame(Kind.RESET, this.number));
  }
}

/** A reset tells a program that the response is not complete. Only TCP has it. */
function reset(socket: Duplex & Partial<Pick<Socket, 'resetAndDestroy' | 'remoteFamily'>>): void {
  if (socket.resetAndDestroy && socket.remoteFamily !== undefined) socket.resetAndDestroy();
  else socket.destroy();
}
