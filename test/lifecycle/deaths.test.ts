import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deathsIn } from '../../src/jupyter/deaths.ts';
import type { KernelDeaths } from '../../src/model/status.ts';
import { openSession } from '../hosts/kernels.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

/** Kernels that end without a request: Jupyter starts them again, and their variables are lost. */

const world = await worldPerFile();

/** Ends the process of a kernel as the system does when memory is short. */
async function kill(kernel: string): Promise<void> {
  const found = () => world.processes().filter((pid) => commandLineOf(pid).includes(`kernel-${kernel}.json`));
  let pids: number[] = [];
  await eventually('the kernel is running', () => {
    pids = found();
    return pids.length === 1;
  });
  process.kill(pids[0] as number, 'SIGKILL');
}

test('a kernel that was killed is shown by status: which one, how often and when', {
  skip: NO_PROC,
}, async () => {
  const shown = await started(world.laptop, '--no-browser', ...(await ports()));
  assert.deepEqual((await statusOf(world.laptop)).jupyter.deaths, []);
  await openSession(world.laptop, shown, 'calm.ipynb');
  const kernel = await openSession(world.laptop, shown, 'hungry.ipynb');
  const deaths = async (): Promise<KernelDeaths[]> => (await statusOf(world.laptop)).jupyter.deaths;
  for (const count of [1, 2]) {
    await kill(kernel);
    // Without a page, Jupyter does not log which kernel the first death was.
    await eventually('the death is shown', async () => {
      const all = await deaths();
      return all[0]?.id === kernel && all.reduce((sum, each) => sum + each.count, 0) === count;
    });
  }
  const [last] = await deaths();
  assert.deepEqual([last?.id, last?.restarted], [kernel, true]);
  assert.ok(Math.abs(Date.now() - Date.parse(last?.lastAt ?? '')) < 600_000);
  assert.match(
    await done(world.laptop, 'status'),
    /^ {2}hungry\.ipynb died .* ago \(.+\); restarted without its variables$/m,
  );
  await done(world.laptop, 'stop', '--yes');
});

const A = '83b1820e-20f4-4a05-b0ad-cb86683cd62d';
const B = '93b1820e-20f4-4a05-b0ad-cb86683cd62d';
const NOTHING = { clock: '2026-11-29 09:00:00', running: [], log: [], kills: [], oomKills: 0 };
const NOW = Date.parse('2026-11-29T12:00:00Z');

test('deaths in the logs of notebook 6 and of jupyter_server are assigned to the right kernels', () => {
  const log = [
    `[I 08:45:55.958 NotebookApp] Kernel started: ${A}, name: python3`,
    `[I 08:45:56.958 NotebookApp] Kernel started: ${B}, name: python3`,
    '[I 08:50:00.950 NotebookApp] KernelRestarter: restarting kernel (1/5), keep random ports',
    `WARNING:root:kernel ${B} restarted`,
    '[I 2026-11-29 08:59:50.968 ServerApp] AsyncIOLoopKernelRestarter: restarting kernel (1/5), keep random ports',
    `[W 2026-11-29 08:59:50.970 ServerApp] kernel ${B} restarted`,
    '[I 2026-11-29 08:59:00.968 ServerApp] AsyncIOLoopKernelRestarter: restarting kernel (1/5), keep random ports',
    `[W 2026-11-29 08:59:58.970 ServerApp] Kernel ${A} died, removing from map.`,
  ];
  const running = [{ id: A, upSeconds: 61 }];
  assert.deepEqual(deathsIn({ ...NOTHING, log, running }, NOW), [
    { id: A, count: 2, lastAt: '2026-11-29T11:59:58.000Z', reason: null, restarted: false },
    { id: B, count: 2, lastAt: '2026-11-29T11:59:50.000Z', reason: null, restarted: true },
  ]);
  const unknown = deathsIn({ ...NOTHING, log: log.slice(0, 3) }, NOW);
  assert.deepEqual(
    unknown.map(({ id, count }) => [id, count]),
    [[null, 1]],
  );
});

test("the reason of a death comes from the system's kernel or from the cgroup", () => {
  const log = [
    `[I 08:45:55.958 NotebookApp] Kernel started: ${A}, name: python3`,
    '[I 08:59:50.968 NotebookApp] KernelRestarter: restarting kernel (1/5), keep random ports',
  ];
  const reason = (...kills: string[]) => deathsIn({ ...NOTHING, log, kills }, NOW)[0]?.reason;
  const oom =
    'Out of memory: Killed process 4711 (python3) total-vm:9kB, anon-rss:9kB, file-rss:0kB, UID:1000';
  assert.equal(reason(`5000.12 [ 4989.001] ${oom}`), 'out of memory');
  assert.equal(reason(`5000.12 [ 4000.001] ${oom}`), null);
  assert.equal(
    reason('5000.12 [ 4989.5] python3[4711]: segfault at 0 ip 0 sp 0 error 4'),
    'segmentation fault',
  );
  assert.equal(deathsIn({ ...NOTHING, log, oomKills: 1 }, NOW)[0]?.reason, 'probably out of memory');
});

test('a host with an impossible clock breaks no list of deaths', () => {
  const log = ['[W 2026-11-29 08:46:12.123 ServerApp] AsyncIOLoopKernelRestarter: restarting kernel (1/5)'];
  for (const clock of ['-271821-04-20 00:00:00', '+275760-09-13 00:00:00', '9999-99-99 99:99:99', 'now'])
    assert.equal(deathsIn({ ...NOTHING, clock, log }, NOW)[0]?.lastAt, new Date(NOW).toISOString(), clock);
});
