import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { configureJupyter, DEAF_TO_TERM } from '../hosts/configuration.ts';
import { type ApiKernel, execute, openSession } from '../hosts/kernels.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { askJupyter, done, type Shown, serverRecord, started } from '../hosts/servers.ts';
import { eventually } from '../hosts/world.ts';

/** What a stop ends, and what it leaves alone, with many servers of one user on one host. */

const world = await worldPerFile();
let nine: Shown[];
/** The kernels and processes of the nine, which must not change. */
let theirs: unknown;
before(async () => {
  nine = [];
  for (let number = 1; number <= 9; number++) {
    const shown = await started(world.laptop, '--name', `n${number}`);
    await openSession(world.laptop, shown, `kernel ${number}.ipynb`);
    nine.push(shown);
  }
  // What a kernel starts in its first moments does not belong to it.
  await eventually(
    'nothing of them begins or ends any more',
    async () => {
      const before = theirs;
      theirs = await unharmed();
      return isDeepStrictEqual(before, theirs);
    },
    180_000,
    2000,
  );
});

async function unharmed(): Promise<unknown> {
  return Promise.all(
    nine.map(async ({ name, jupyter, tunnel }) => {
      const { token } = serverRecord(world.laptop, name);
      const kernels = await askJupyter<ApiKernel[]>(tunnel.localPort, token, '/api/kernels');
      return { kernels: kernels.map(({ id }) => id), processes: below(jupyter.pid) };
    }),
  );
}

/** A process and all that it started. */
function below(root: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const of = (pid: number): number[] => [
    pid,
    ...rows.filter(([, parent]) => parent === pid).flatMap(([child = 0]) => of(child)),
  ];
  return of(root);
}

function lives(pid: number): boolean {
  return world.processes().includes(pid);
}

/** The tenth: with a kernel and its helper that ignore every signal except KILL, and a terminal in which a program runs. */
async function startTenth(): Promise<{ shown: Shown; processes: number[] }> {
  const shown = await started(world.laptop, '--name', 'tenth');
  const kernel = await openSession(world.laptop, shown, 'deaf.ipynb');
  execute(
    world,
    kernel,
    'import signal, subprocess\nfor each in ("SIGTERM", "SIGHUP", "SIGINT"): signal.signal(getattr(signal, each), signal.SIG_IGN)\nhelper = subprocess.Popen(["sleep", "1000"])',
  );
  const { token } = serverRecord(world.laptop, 'tenth');
  await askJupyter(shown.tunnel.localPort, token, '/api/terminals', 'POST');
  await eventually('server, kernel, helper and shell run', () => below(shown.jupyter.pid).length >= 4);
  return { shown, processes: below(shown.jupyter.pid) };
}

test('stop ends one of ten servers, with its terminal and a kernel that ignores TERM, and does not affect the other nine', async () => {
  const { processes } = await startTenth();
  assert.equal(JSON.parse(await done(world.laptop, 'stop', 'tenth', '--yes', '--json')).outcome, 'shutdown');
  assert.deepEqual(processes.filter(lives), []);
  assert.deepEqual(await unharmed(), theirs);
});

test('if Jupyter has to be killed, its kernels and terminals end, too, and no other process', async () => {
  const folder = configureJupyter(world.home, DEAF_TO_TERM);
  const { shown, processes } = await startTenth();
  rmSync(folder, { recursive: true });
  // It does not respond any more either.
  execFileSync('kill', ['-STOP', String(shown.jupyter.pid)]);
  assert.equal(JSON.parse(await done(world.laptop, 'stop', 'tenth', '--json')).outcome, 'killed');
  assert.deepEqual(processes.filter(lives), []);
  assert.deepEqual(await unharmed(), theirs);
});
