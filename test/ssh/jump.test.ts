import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { done, type Shown, started, stderrOf } from '../hosts/servers.ts';
import { signalTo } from '../hosts/signal.ts';
import { makeSshd, ports, type Sshd } from '../hosts/sshd.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/** Hosts behind jump hosts in the user's ssh_config: each hop is a real sshd. */

/** A world whose host is reached by `way`; its ssh_config contains the hops `jump1`, `jump2` … */
async function behind(
  hops: number,
  way: (jumps: readonly Sshd[]) => string,
): Promise<{ world: World; jumps: readonly Sshd[] }> {
  const jumps = await Promise.all(Array.from({ length: hops }, () => makeSshd()));
  const world = await makeWorld({ sshConfig: [way(jumps)] });
  for (const [index, jump] of jumps.entries()) {
    const block = readFileSync(jump.sshConfig, 'utf8').replace('Host loopback', `Host jump${index + 1}`);
    appendFileSync(world.sshd.sshConfig, block);
  }
  return { world, jumps };
}

/** Whether an sshd has no connection. */
function isIdle(sshd: Sshd): boolean {
  const parents = execFileSync('ps', ['-A', '-o', 'ppid='], { encoding: 'utf8' }).split('\n').map(Number);
  return !parents.includes(sshd.pid());
}

const WAYS: readonly (readonly [name: string, hops: number, way: (jumps: readonly Sshd[]) => string])[] = [
  ['a jump host', 1, () => 'ProxyJump jump1'],
  ['a chain of two jump hosts', 2, () => 'ProxyJump jump1,jump2'],
  ['a ProxyCommand', 1, ([jump]) => `ProxyCommand ssh -F ${jump?.sshConfig} -W %h:%p loopback`],
];

for (const [name, hops, way] of WAYS) {
  test(`a server on a host behind ${name} is started, reconnected, queried and stopped like any other`, async () => {
    const { world, jumps } = await behind(hops, way);
    const { laptop } = world;
    try {
      const { tunnel } = await started(laptop, ...(await ports()));
      assert.deepEqual([...jumps, world.sshd].map(isIdle), Array(hops + 1).fill(false));
      signalTo(keeperOf(laptop).ssh, 'SIGKILL');
      await eventually('the tunnel is back', async () => {
        const [spec] = JSON.parse((await laptop.run('status', '--json')).stdout).servers as Shown[];
        return spec?.state === 'connected' && spec.tunnel.pid !== tunnel.pid;
      });
      await done(laptop, 'logs');
      await done(laptop, 'stop');
      await eventually(
        'nothing is left, on the hops and on the host neither',
        () => world.processes().length === 0 && [...jumps, world.sshd].every((sshd) => isIdle(sshd)),
      );
      for (const { log } of jumps) assert.equal(log().match(/Accepted publickey/g)?.length, 2);
    } finally {
      await world.remove();
      await Promise.all(jumps.map((jump) => jump.remove()));
    }
  });
}

test("a jump host that is down is reported with ssh's message", async () => {
  const { world, jumps } = await behind(1, () => 'ProxyJump jump1');
  try {
    await jumps[0]?.stop();
    const stderr = await stderrOf(1, world.laptop, 'start', 'loopback', '{F}', '--no-browser');
    assert.match(stderr, /Connection refused|UNKNOWN port 65535/);
    await noProcessIsLeft(world);
  } finally {
    await world.remove();
    await Promise.all(jumps.map((jump) => jump.remove()));
  }
});
