import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversationOn } from '../hosts/conversation.ts';
import { makeKeeping } from '../hosts/keeping.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { peakMemory } from '../hosts/proc.ts';
import { eventually } from '../hosts/world.ts';

const READERS = 64;
const SIZE = 16 << 20;
const STOPPED_MS = 60_000;

test('sixty-four readers that stop for a minute while a gigabyte is sent to them hold up no other connection, nor much memory', {
  skip: NO_PROC,
}, async (t) => {
  const keeping = await makeKeeping({
    onConnection: (socket) => {
      socket.once('data', (first) => {
        if (first.toString() === 'much') socket.end(Buffer.alloc(SIZE));
        else socket.write(first, () => socket.pipe(socket));
      });
    },
  });
  t.after(() => keeping.remove());
  await keeping.request({ do: 'try' });
  await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
  const { say } = conversationOn(keeping.dial());
  await say('before');
  const readers = Array.from({ length: READERS }, () => {
    const program = keeping.dial().pause();
    program.write('much');
    return program;
  });
  const until = Date.now() + STOPPED_MS;
  let words = 0;
  while (Date.now() < until) {
    await say(`word ${words++}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(new Set(readers.map(({ bytesRead }) => bytesRead < SIZE)), new Set([true]));
  const sizes = readers.map(() => 0);
  for (const [index, program] of readers.entries()) {
    program.on('data', ({ length }) => {
      sizes[index] = (sizes[index] ?? 0) + length;
    });
    program.resume();
  }
  await eventually('all has arrived', () => sizes.every((size) => size === SIZE), 600_000);
  const [keeper, relay] = [peakMemory(keeping.pid()), peakMemory(keeping.host.pid())];
  t.diagnostic(`${words} words meanwhile; memory: keeper ${keeper} kB, relay ${relay} kB`);
  assert.ok(keeper < 100_000, `the keeper has ${keeper} kB`);
  assert.ok(relay < 100_000, `the relay has ${relay} kB`);
  assert.equal((await keeping.status()).phase, 'connected');
});
