import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { worldFor } from '../hosts/lasting.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { signalTo } from '../hosts/signal.ts';
import { freePort, ownLocalPort } from '../hosts/sshd.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { eventually } from '../hosts/world.ts';

/** Every verb on a host whose sshd allows little. */

const KINDS: Readonly<Record<string, readonly string[]>> = {
  'forbids all forwarding': ['AllowTcpForwarding no', 'AllowStreamLocalForwarding no'],
  'allows one session at a time': ['MaxSessions 1'],
};

for (const [kind, sshdConfig] of Object.entries(KINDS))
  test(`where sshd ${kind}, every verb works, also after ssh was killed`, async (context) => {
    const world = await worldFor(context, { sshdConfig });
    const { laptop } = world;
    const { url, tunnel } = await started(laptop, ...(await ownLocalPort()));
    const { ssh } = keeperOf(laptop);
    signalTo(ssh, 'SIGKILL');
    assert.equal((await fetch(new URL('/api', url))).status, 200);
    await eventually('it is connected', async () => (await statusOf(laptop)).state === 'connected');
    await done(laptop, 'logs');
    await done(laptop, 'doctor', 'loopback');
    await done(laptop, 'forward', 'loopback', String(await freePort()));
    const again = JSON.parse(await done(laptop, 'restart', '--json', '--no-browser'));
    assert.equal(again.tunnel.localPort, tunnel.localPort);
    await done(laptop, 'stop', '--keep-server');
    await done(laptop, 'forward');
    const other = world.anotherLaptop();
    assert.equal((await started(other, ...(await ownLocalPort()))).joined, true);
    await done(other, 'stop', '--keep-server');
    await done(laptop, 'stop');
    await noProcessIsLeft(world);
  });
