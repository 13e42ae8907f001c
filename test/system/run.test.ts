import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../../src/system/context.ts';
import { run } from '../../src/system/run.ts';

const report = { command: () => {}, phase: () => {}, note: () => {}, passThrough: () => {} };
const context: Context = { env: process.env, signal: new AbortController().signal, report };

test('a program that is not here is called by its name', async () => {
  await assert.rejects(run(['no-such-program'], context), /^Failure: no-such-program is not installed/);
});

test("another machine's missing program is no missing program of this one", async () => {
  const { code } = await run(['sh', '-c', 'echo "bash: pkill: command not found" >&2; exit 127'], context);
  assert.equal(code, 127);
});
