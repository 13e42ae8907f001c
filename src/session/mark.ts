import { Noise, VERSION } from './frames.ts';

/** The first line of the host's end. What a login shell prints is before it. */
const MARK = '\n@relay ';
const MAX_BEFORE_MARK = 64 << 10;

/** Reads the first line of a carrier, which names the version of the relay. */
export class MarkReader {
  #before: Buffer | undefined = Buffer.alloc(0);
  /** Whether the host says that no relay is running. */
  isGone = false;

  get wasRead(): boolean {
    return this.#before === undefined;
  }

  /** Returns what comes after the line in this chunk. @throws Noise when there is something else than a relay */
  read(chunk: Buffer): Buffer {
    const all = Buffer.concat([this.#before ?? Buffer.alloc(0), chunk]);
    const at = all.indexOf(MARK);
    const end = at < 0 ? -1 : all.indexOf('\n', at + MARK.length);
    if (end < 0) {
      if (all.length > MAX_BEFORE_MARK)
        throw new Noise('the host printed something that is not from the relay');
      this.#before = all;
      return Buffer.alloc(0);
    }
    const word = all.toString('latin1', at + MARK.length, end);
    this.isGone = word === 'gone';
    if (!this.isGone && word !== String(VERSION))
      throw new Noise(
        `the relay on the host has version ${printable(word)}, and this machine knows only ${VERSION}: restart the server`,
      );
    this.#before = undefined;
    return all.subarray(end + 1);
  }
}

/** Text of the host without control characters. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd');
}
