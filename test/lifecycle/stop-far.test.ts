import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBusy, openSession } from '../hosts/kernels.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { openTerminal } from '../hosts/terminal.ts';
import { quietProcesses } from '../hosts/traces.ts';
import { eventually, PROGRAM } from '../hosts/world.ts';

/** The number of round trips of a stop, from the log of sshd: each takes time if the host is far away. */

const world = worldPerTest();

/** The keeper opens a session of its own beside the first start, which may be logged after that. */
async function quietlyStarted() {
  const shown = await started(world.laptop);
  await quietProcesses(world);
  return shown;
}

const sessions = () => world.sshd.log().split('Starting session: command').length;

test('the stop of an idle server opens one session on the host', async () => {
  await quietlyStarted();
  const before = sessions();
  assert.equal(JSON.parse(await done(world.laptop, 'stop', '--json')).outcome, 'shutdown');
  assert.equal(sessions(), before + 1);
});

test('the session that ends a server opens while the user is asked, and ends nothing after a no', async () => {
  const shown = await quietlyStarted();
  const kernel = await openSession(world.laptop, shown, 'long run.ipynb');
  await makeBusy(world, world.laptop, shown, kernel);
  const before = sessions();
  const window = openTerminal([...PROGRAM, 'stop'], world.laptop.env);
  try {
    await window.saw('[y/N]');
    await eventually('the session is open', () => sessions() === before + 1);
    window.type('n\n');
    assert.equal(await window.ended, 1);
  } finally {
    await window.close();
  }
  const now = await statusOf(world.laptop);
  assert.deepEqual([now.jupyter.pid, now.jupyter.kernels[0].state], [shown.jupyter.pid, 'busy']);
});
