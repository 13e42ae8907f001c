import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  assertNothingIsLeft,
  place,
  processesOf,
  readyDemo,
  signalGroup,
  startDemo,
  statusOf,
  stopDemos,
} from './hosts/demos.ts';
import { NO_PROC } from './hosts/needs.ts';
import { signalQuietly } from './hosts/signal.ts';
import { eventually } from './hosts/world.ts';

const needsProc = { skip: NO_PROC };

test('make demo starts a server, and SIGHUP leaves nothing behind', needsProc, async () => {
  const demo = await readyDemo();
  assert.equal(await statusOf(demo.url), 200);
  signalGroup(demo, 'SIGHUP');
  await demo.ended;
  // The signal has also ended tsx, which compiles the sources.
  assert.doesNotMatch(demo.output(), /bug/);
  await assertNothingIsLeft(demo);
});

test('Ctrl-C while the demo starts leaves nothing behind', needsProc, async () => {
  const demo = startDemo();
  await eventually('Jupyter starts', () => {
    assert.equal(demo.child.exitCode, null, demo.output());
    return /✓ launch/.test(demo.output());
  });
  signalGroup(demo, 'SIGINT');
  await demo.ended;
  await eventually('the demo has ended', () => processesOf(`${place}/`).length === 0);
  const left = readdirSync(place).filter((name) => name.startsWith('rn-'));
  assert.deepEqual(left, []);
});

test('make demo-stop ends two demos that run at once', needsProc, async () => {
  const demos = await Promise.all([readyDemo(), readyDemo()]);
  assert.notEqual(demos[0].url, demos[1].url);
  for (const { url } of demos) assert.equal(await statusOf(url), 200);
  const { status, stderr } = stopDemos();
  assert.equal(status, 0, stderr);
  for (const demo of demos) {
    assert.equal(await demo.ended, 0, demo.output());
    await assertNothingIsLeft(demo);
  }
});

test('make demo-stop also cleans up when the host of a killed demo is gone', needsProc, async () => {
  const demo = await readyDemo();
  const [host = ''] = readdirSync(demo.folder).filter((name) => name.startsWith('rn-host-'));
  const sshd = Number(readFileSync(join(demo.folder, host, 'sshd.pid'), 'utf8'));
  signalGroup(demo, 'SIGKILL');
  signalQuietly(sshd, 'SIGKILL');
  await demo.ended;
  const { status, stderr } = stopDemos();
  assert.equal(status, 0, stderr);
  await assertNothingIsLeft(demo);
});
