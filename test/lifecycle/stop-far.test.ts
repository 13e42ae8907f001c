import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBusy, openSession } from '../hosts/kernels.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { openTerminal } from '../hosts/terminal.ts';
import { eventually, PROGRAM } from '../hosts/world.ts';

/** How often a stop goes to the host and back, by what its sshd writes of that: to a far host each way takes its time. */

const world = worldPerTest({ sshdConfig: ['LogLevel DEBUG1'] });

const count = (what: RegExp) =>
  world.sshd
    .log()
    .split('\n')
    .filter((line) => what.test(line)).length;
const sessions = () => count(/Starting session: command/);
const throughTunnel = () => count(/server_request_direct_tcpip: originator/);

test('an idle server is asked to end on a connection that asked for its kernels', async () => {
  await started(world.laptop);
  const before = [sessions(), throughTunnel()];
  assert.equal(JSON.parse(await done(world.laptop, 'stop', '--json')).outcome, 'shutdown');
  // It has no kernels, so it is not asked for their notebooks.
  assert.deepEqual([sessions(), throughTunnel()], [Number(before[0]) + 1, Number(before[1]) + 1]);
});

test('the session that ends a server is open before its user has answered, and ends nothing after a no', async () => {
  const shown = await started(world.laptop);
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
