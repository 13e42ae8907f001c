import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ByteQueue } from '../../src/session/byte-queue.ts';

const sizes = fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 30, size: 'max' });

test('bytes come out as they went in', () => {
  fc.assert(
    fc.property(sizes, (lengths) => {
      const queue = new ByteQueue();
      const all = lengths.map((length, index) => Buffer.alloc(length, index + 1));
      for (const bytes of all) queue.push(bytes);
      assert.deepEqual(Buffer.concat(queue.takeAll()), Buffer.concat(all));
      assert.equal(queue.isEmpty, true);
    }),
  );
});

test('bytes that wait take little more memory than they are, although they are small parts of what was read', () => {
  fc.assert(
    fc.property(sizes, (lengths) => {
      const queue = new ByteQueue();
      for (const length of lengths) queue.push(Buffer.alloc(1 << 20).subarray(5, 5 + length));
      const taken = new Set(queue.takeAll().map(({ buffer }) => buffer));
      const memory = [...taken].reduce((sum, { byteLength }) => sum + byteLength, 0);
      const size = lengths.reduce((sum, length) => sum + length, 0);
      // Small ones share blocks of 16 KiB, of which the last few bytes may stay unused.
      assert.ok(memory <= 2 * size + (32 << 10), `${memory} bytes for ${size}`);
    }),
    { numRuns: 30 },
  );
});
