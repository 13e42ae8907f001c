import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type KeeperStatus, writeStatus } from '../../src/keeper/status.ts';
import { prove } from '../../src/lifecycle/prove.ts';
import type { Context, Reporter } from '../../src/system/context.ts';
import { Interrupted } from '../../src/system/errors.ts';
import { startTimeOf } from '../../src/system/process.ts';
import { connectionOf } from '../../src/tunnel/connection.ts';

/** A server on a connection. */
const RECORD = {
  spec: { name: 'x', destination: 'x' },
  jupyter: { pid: 2, port: 1, baseUrl: '/', secure: false, token: 'x' },
  forwards: { own: { bindAddress: '127.0.0.1', localPort: 1, target: 'localhost:1' }, further: [] },
} as unknown as Parameters<typeof prove>[0];

test('after an interrupt while the tunnel is lost, nothing keeps the process running', async (test) => {
  const state = mkdtempSync(join(tmpdir(), 'rn-'));
  test.after(() => rmSync(state, { recursive: true }));
  const interrupt = new AbortController();
  const env = { XDG_STATE_HOME: state };
  const context: Context = { env, signal: interrupt.signal, report: {} as Reporter };
  const connection = connectionOf(RECORD.spec, env);
  mkdirSync(connection.folder, { recursive: true });
  // This process stands for the keeper: it is alive, and has no ssh.
  const keeper = { pid: process.pid, startTime: await startTimeOf(process.pid) };
  writeStatus(connection, {
    phase: 'reconnecting',
    keeper,
    up: [],
    bound: [],
    down: [],
  } as unknown as KeeperStatus);
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const proving = prove(RECORD, context);
  await setTimeout(100);
  interrupt.abort();
  await assert.rejects(proving, Interrupted);
  await setTimeout(100);
  assert.equal(timers(), before);
});
