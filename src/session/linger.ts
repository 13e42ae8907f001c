import type { Readable, Writable } from 'node:stream';

/** For how long a connection that is closed here may write what is left. */
const LINGER_MS = 500;

/**
 * Closes a connection to the host: writes what is left, if the link takes it, and waits until the other end has read that
 * and closes it, too. Settles then, or when that takes too long.
 */
export function linger(reads: Readable, writes: Writable): Promise<void> {
  const destroy = () => void [reads, writes].map((end) => end.destroy());
  const closed = new Promise<void>((resolve) => {
    if (reads.closed) resolve();
    else reads.once('close', resolve);
  });
  reads.once('end', destroy).resume();
  writes.end();
  setTimeout(destroy, LINGER_MS).unref();
  return closed;
}
