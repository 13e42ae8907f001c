import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { eventually } from './world.ts';

/** What programs do with a connection to a server that echoes. */

const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** What arrives until the end of the stream. Fails if it is reset before. */
export function received(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    socket.once('end', () => resolve(Buffer.concat(chunks)));
    socket.once('close', () => reject(new Error('closed before its end')));
  });
}

/** Sends random bytes, ends, and verifies that all come back, and the end. */
export async function exchangeWith(program: Socket, size: number): Promise<void> {
  const bytes = randomBytes(size);
  const back = received(program);
  program.write(bytes);
  // One that ends while there is no carrier would be forgotten.
  await new Promise((resolve) => program.once('data', resolve).once('close', resolve));
  program.end();
  assert.equal(hash(await back), hash(bytes));
}

/** A connection on which each word comes back, at the latest after `timeoutMs`. */
export function conversationOn(
  socket: Socket,
  timeoutMs = 180_000,
): { say(word: string): Promise<void>; socket: Socket } {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  const say = async (word: string) => {
    socket.write(word);
    await eventually(`"${word}" comes back`, () => text.endsWith(word), timeoutMs);
  };
  return { socket, say };
}
