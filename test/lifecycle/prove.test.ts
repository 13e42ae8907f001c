import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { prove } from '../../src/lifecycle/prove.ts';
import type { Context, Reporter } from '../../src/system/context.ts';
import { Interrupted } from '../../src/system/errors.ts';

/** A server whose tunnel is lost: no keeper has written a state. */
const RECORD = {
  spec: { name: 'x', destination: 'x' },
  jupyter: { pid: 2, port: 1, baseUrl: '/', secure: false, token: 'x' },
  forwards: { own: { bindAddress: '127.0.0.1', localPort: 1, target: 'localhost:1' }, further: [] },
} as unknown as Parameters<typeof prove>[0];

test('an interrupt while the tunnel is lost leaves nothing that would keep the process', async () => {
  const interrupt = new AbortController();
  const context: Context = {
    env: { XDG_STATE_HOME: '/nonexistent' },
    signal: interrupt.signal,
    report: {} as Reporter,
  };
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const proving = prove(RECORD, context);
  await setTimeout(100);
  interrupt.abort();
  await assert.rejects(proving, Interrupted);
  await setTimeout(100);
  assert.equal(timers(), before);
});
