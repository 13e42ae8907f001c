import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { connectionFolder, keeperOf } from '../hosts/keeper.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { withoutRelays } from '../hosts/proc.ts';
import { done, type Shown, started } from '../hosts/servers.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { ports } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

/** The laptop shuts down: all its processes get SIGTERM at the same time, as from init. */

const world = worldPerTest();
let before: Shown;
beforeEach(async () => {
  before = await started(world.laptop, '--name', 'work', ...(await ports()));
  const { keeper, ssh } = keeperOf(world.laptop);
  for (const process of [ssh, keeper]) signalQuietly(process?.pid ?? 0, 'SIGTERM');
});

async function assertClosedAndStartable(): Promise<void> {
  const { code, stdout } = await world.laptop.run('status', '--json');
  const [shown] = JSON.parse(stdout).servers;
  assert.deepEqual([code, shown.state, shown.jupyter.state, shown.url], [3, 'closed', 'unknown', null]);
  const again = await done(world.laptop, 'start', 'work', '--json');
  const { joined, jupyter: server, url } = JSON.parse(again);
  assert.deepEqual([joined, server.pid, url], [true, before.jupyter.pid, before.url]);
}

test('after a shutdown of the laptop, no process or socket is left, and start NAME reconnects', async () => {
  await eventually(
    'the server alone is left',
    () => withoutRelays(world.processes()).join() === `${before.jupyter.pid}`,
  );
  assert.equal(existsSync(join(connectionFolder(world.laptop), 'control')), false);
  await assertClosedAndStartable();
});

test('after a shutdown, start NAME also reconnects if the files of the connection are lost', async () => {
  await eventually(
    'the server alone is left',
    () => withoutRelays(world.processes()).join() === `${before.jupyter.pid}`,
  );
  rmSync(join(world.laptop.stateFolder, 'c'), { recursive: true });
  await assertClosedAndStartable();
});
