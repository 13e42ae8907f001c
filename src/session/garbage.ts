/** Number of bytes after which the buffers that have carried them are freed. */
const EACH = 4 << 20;

let passed = 0;

/**
 * Notes that so many bytes have passed, and frees the buffers of earlier ones. V8 by itself waits until new ones take 32 MB
 * (twice its largest young generation), whatever its options are. Does nothing without node's option --expose-gc.
 */
export function freeAfter(bytes: number): void {
  passed += bytes;
  if (passed < EACH) return;
  passed = 0;
  globalThis.gc?.({ type: 'minor' });
}
