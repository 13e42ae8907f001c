/** Size of the blocks that small buffers are copied to. */
const BLOCK = 16 << 10;
/** A buffer that is this part of its memory is kept as it is. Smaller ones are copied: each would keep all of it alive. */
const LARGE = 1 / 2;

/** Bytes that wait for a slow reader: in memory they take about as many bytes as they are. */
export class ByteQueue {
  #blocks: Buffer[] = [];
  /** The block that small buffers are copied to, the last in the queue, and how much of it is used. */
  #tail: Buffer | undefined;
  #used = 0;

  get isEmpty(): boolean {
    return this.#blocks.length === 0 && this.#used === 0;
  }

  push(bytes: Buffer): void {
    const isLarge = bytes.length >= BLOCK;
    if (isLarge || (this.#tail && this.#used + bytes.length > this.#tail.length)) this.#closeTail();
    if (isLarge) {
      this.#blocks.push(bytes.length >= bytes.buffer.byteLength * LARGE ? bytes : Buffer.from(bytes));
      return;
    }
    this.#tail ??= Buffer.allocUnsafe(BLOCK);
    this.#used += bytes.copy(this.#tail, this.#used);
  }

  /** Removes and returns all of it. */
  takeAll(): Buffer[] {
    this.#closeTail();
    const blocks = this.#blocks;
    this.#blocks = [];
    return blocks;
  }

  #closeTail(): void {
    if (this.#tail && this.#used > 0) this.#blocks.push(this.#tail.subarray(0, this.#used));
    this.#tail = undefined;
    this.#used = 0;
  }
}
