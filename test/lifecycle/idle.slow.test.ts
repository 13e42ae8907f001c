import assert from 'node:assert/strict';
import { test } from 'node:test';
import { debian13, NO_DEBIAN_13 } from '../hosts/debian13/debian13.ts';
import { openSession } from '../hosts/kernels.ts';
import { worldFor } from '../hosts/lasting.ts';
import { started, statusOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { NO_JUPYTER_OF_TODAY, withToday } from '../hosts/today.ts';
import { eventually, type World } from '../hosts/world.ts';

async function endsWhenIdle(world: World): Promise<void> {
  const shown = await started(world.laptop, '--idle-timeout', '1m', ...(await ports()));
  await openSession(world.laptop, shown, 'forgotten.ipynb');
  const state = async () => (await statusOf(world.laptop)).jupyter;
  await eventually('its kernel is gone', async () => (await state()).kernels?.length === 0, 240_000, 2000);
  await eventually('it has ended', async () => (await state()).state === 'stopped', 240_000, 2000);
  assert.equal(world.processes().includes(shown.jupyter.pid), false);
}

test('an idle server ends its kernels and then itself, even if status is run in the meantime', async (context) =>
  endsWhenIdle(await worldFor(context)));

test('an idle JupyterLab 4 ends its kernels and then itself', { skip: NO_DEBIAN_13 }, async (context) => {
  await endsWhenIdle(await worldFor(context, await debian13()));
});

test('an idle JupyterLab of today ends its kernels and then itself', {
  skip: NO_JUPYTER_OF_TODAY,
}, async (context) => {
  await endsWhenIdle(await worldFor(context, withToday()));
});
