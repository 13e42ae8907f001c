import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { received } from '../hosts/conversation.ts';
import { makeHostEnd, makeLink, serve } from '../hosts/host-end.ts';
import { makeKeeperEnd } from '../hosts/keeper-end.ts';

const BYTES_PER_SECOND = 2000;
/** More than four of the largest frames: each of them takes twice as long as the heartbeat waits. */
const SIZE = 300_000;
const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('300 kB each way at 16 kbit/s arrive, and the link is never taken for dead', async () => {
  const [up, down] = [randomBytes(SIZE), randomBytes(SIZE)];
  let atServer: Promise<Buffer> | undefined;
  const server = await serve((socket) => {
    atServer = received(socket);
    socket.end(down);
  });
  const host = await makeHostEnd({ server: { port: server.port, hostname: '127.0.0.1' } });
  const link = await makeLink(host.path, BYTES_PER_SECOND);
  const keeper = await makeKeeperEnd(link.path);
  const program = keeper.dial();
  const atProgram = received(program);
  program.write(up.subarray(0, 1));
  await new Promise((resolve) => program.once('data', resolve));
  program.end(up.subarray(1));
  assert.equal(hash(await atProgram), hash(down));
  assert.equal(hash((await atServer) ?? Buffer.alloc(0)), hash(up));
  assert.deepEqual([keeper.losses, keeper.ends, keeper.opened], [[], [], 1]);
  await keeper.close();
  await link.close();
  await host.remove();
  await server.close();
});
