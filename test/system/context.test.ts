import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { endedBy, quietContext, timeLimit } from '../../src/system/context.ts';
import { collectGarbage } from '../hosts/memory.ts';

test('a time limit ends a wait even if memory is collected before', async () => {
  const { signal } = endedBy(timeLimit(300), quietContext({}));
  const ended = once(signal, 'abort');
  // Without it, an unref'd timer would not keep this process alive.
  const alive = setInterval(collectGarbage, 20);
  const late = new Promise((_, reject) =>
    setTimeout(reject, 10_000, new Error('the time never ended')).unref(),
  );
  try {
    await Promise.race([ended, late]);
    assert.ok(signal.aborted);
  } finally {
    clearInterval(alive);
  }
});
