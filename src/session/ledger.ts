import { Broken, HEADER } from './frames.ts';

/**
 * Maximum number of bytes, and of frames, that wait for an acknowledgement: more data is not sent. It is twice the window of
 * a channel of ssh (2 MB), which all streams share.
 */
const KEPT = 4 << 20;
const KEPT_FRAMES = 16 << 10;
/** Number of received bytes after which an acknowledgement is due at once, and not only within a second. */
const ACK_EVERY = 256 << 10;

/**
 * The numbering of a session: each end counts the bytes of the numbered frames that it has received whole, and keeps those
 * that it has sent until the other end has acknowledged them, so that it can send them again on another carrier.
 */
export class Ledger {
  /** Written, and not acknowledged. */
  #kept: Buffer[] = [];
  /** Not yet written, or to be written again. */
  #todo: Buffer[] = [];
  #sent = 0;
  #highest = 0;
  #acked = 0;
  #received = 0;
  /** What this carrier has brought: less than was received while it brings again what an earlier one did. */
  #position = 0;
  #told = 0;

  /** Number of bytes that have been received. */
  get received(): number {
    return this.#received;
  }

  /** Number of bytes that the other end has not confirmed. */
  get unconfirmed(): number {
    return this.#sent - this.#acked + this.#todo.reduce((sum, { length }) => sum + length, 0);
  }

  /** Whether data may be sent, which waits behind everything else. */
  get mayGrow(): boolean {
    return this.#sent - this.#acked < KEPT && this.#kept.length < KEPT_FRAMES;
  }

  /** Adds a frame that is sent before any new data; not if too many are not acknowledged. Returns whether it did. */
  add(frame: Buffer): boolean {
    if (this.#kept.length + this.#todo.length > 4 * KEPT_FRAMES) return false;
    this.#todo.push(frame);
    return true;
  }

  /** The next frame that was added, or must be sent again. */
  next(): Buffer | undefined {
    return this.#todo.shift();
  }

  /** Notes that a frame is being written. */
  wrote(frame: Buffer): void {
    this.#kept.push(frame);
    this.#sent += frame.length;
    this.#highest = Math.max(this.#highest, this.#sent);
  }

  /** Notes that a frame with this payload has arrived. Returns whether it is a new one. */
  took(payload: Buffer): boolean {
    this.#position += HEADER + payload.length;
    if (this.#position <= this.#received) return false;
    this.#received = this.#position;
    return true;
  }

  /** Drops what the other end has received on this carrier. @throws Broken when it cannot have received that */
  acknowledged(number: number): void {
    if (number < this.#acked || number > this.#sent)
      throw new Broken(`acknowledges ${number} of ${this.#acked} to ${this.#sent}`);
    this.#drop(this.#kept, number);
  }

  /**
   * Begins to send again on another carrier. The other end may have received more than has been sent again on the last
   * one, and may have acknowledged more meanwhile than its greeting says.
   * @param number the number of bytes that it has received
   * @returns the number of the first byte that is sent
   * @throws Broken when it cannot have received that
   */
  rewind(number: number): number {
    if (number > this.#highest) throw new Broken(`received ${number} of ${this.#highest}`);
    this.#todo = this.#kept.concat(this.#todo);
    this.#kept = [];
    this.#drop(this.#todo, Math.max(number, this.#acked));
    this.#sent = this.#acked;
    return this.#acked;
  }

  /** Begins to receive on another carrier, which brings bytes from this number on. @throws Broken when some are missing */
  restart(start: number): void {
    if (start > this.#received) throw new Broken(`begins at ${start} instead of ${this.#received}`);
    this.#position = start;
    this.#told = start;
  }

  /** Whether an acknowledgement is due: at once, or only within a second. */
  owes(when: 'now' | 'soon'): boolean {
    return this.#position - this.#told >= (when === 'now' ? ACK_EVERY : 1);
  }

  /** Returns what to acknowledge, and notes that it has been told. */
  tell(): number {
    this.#told = this.#position;
    return this.#told;
  }

  #drop(frames: Buffer[], number: number): void {
    let count = 0;
    for (const { length } of frames) {
      if (this.#acked + length > number) break;
      this.#acked += length;
      count++;
    }
    if (count > 0) frames.splice(0, count);
    if (this.#acked !== number) throw new Broken('has received a part of a frame');
  }
}
