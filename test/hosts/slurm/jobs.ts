import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { WAYS_FILE } from '../../../src/keeper/routes/ways.ts';
import type { ServerRecord } from '../../../src/state/records.ts';
import { ownLocalPort } from '../sshd.ts';
import { eventually, type Laptop } from '../world.ts';
import { type Cluster, makeCluster } from './cluster.ts';

/** A cluster for the tests of a suite, which exists while they run. After each of them, all jobs are cancelled. @param cpus of each node */
export function clusterPerSuite(cpus?: number): Cluster {
  const cluster = {} as Cluster;
  before(async () => void Object.assign(cluster, await makeCluster(cpus)));
  after(() => cluster.remove());
  afterEach(async () => {
    cancelAll(cluster);
    await untilNoJob(cluster);
  });
  return cluster;
}

/** The options with which a test starts a server in a job, without a browser, at a local port of its own. */
export async function jobOptions(name: string): Promise<string[]> {
  return [
    ...['start', 'loopback', '{F}', '--launcher', 'slurm', '--no-browser', '--name', name],
    ...(await ownLocalPort()),
  ];
}

/** Starts a server in a job, and returns what `--json` prints. */
export async function startedInJob(laptop: Laptop, name: string, ...options: string[]) {
  const { code, stdout, stderr } = await laptop.run(...(await jobOptions(name)), '--json', ...options);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** The status of a server as `--json` prints it, with the exit status. */
export async function statusInJob(laptop: Laptop, name: string) {
  const { code, stdout } = await laptop.run('status', name, '--json');
  return { code, ...JSON.parse(stdout).servers[0] };
}

/** Stops a server, and returns how it has ended, or the error. */
export async function stoppedInJob(laptop: Laptop, name: string): Promise<string> {
  const { stdout, stderr } = await laptop.run('stop', name, '--yes', '--json');
  return stdout === '' ? stderr : JSON.parse(stdout).outcome;
}

/** The record of a server on a laptop. */
export function recordOf(laptop: Laptop, name: string): ServerRecord {
  return JSON.parse(readFileSync(join(laptop.stateFolder, 'state.json'), 'utf8')).servers[name];
}

/** The response of a server to a request with its token. */
export function askServer(laptop: Laptop, name: string, path: string): Promise<Response> {
  const { jupyter, forwards } = recordOf(laptop, name);
  return fetch(`http://127.0.0.1:${forwards.own?.localPort}${path}`, {
    headers: { Authorization: `token ${jupyter?.token}` },
    signal: AbortSignal.timeout(60_000),
  });
}

/** The IDs of the jobs that have not ended. */
export function jobsOn(cluster: Cluster): string[] {
  return cluster.on('front', 'squeue --noheader --format=%i').split('\n').filter(Boolean);
}

/** The records of servers and runs that the login node has. */
export function recordsOn({ on, user }: Cluster): string[] {
  const command = 'ls -d ~/.local/state/remote-notebook/*/*/record 2>/dev/null || :';
  return on('front', command, user).split('\n').filter(Boolean);
}

/** The files in which the keepers of a laptop remember the ways to the nodes of clusters. */
export function waysOf({ stateFolder }: Laptop): string[] {
  const names = readdirSync(stateFolder).filter((name) => WAYS_FILE.test(name));
  return names.map((name) => join(stateFolder, name));
}

/** What was found out about the way to the nodes, if anything. */
export function knownWay(laptop: Laptop) {
  const [file] = waysOf(laptop);
  return file === undefined ? undefined : JSON.parse(readFileSync(file, 'utf8'));
}

export async function untilNoJob(cluster: Cluster): Promise<void> {
  await eventually('no job is left', () => jobsOn(cluster).length === 0);
}

/** Has all CPUs until it is called. */
export async function occupy(cluster: Cluster): Promise<() => void> {
  const command = 'sbatch --parsable --exclusive --nodes=2 --output=/dev/null --wrap="sleep 600"';
  const id = cluster.on('front', command, cluster.stranger).trim();
  await eventually('the nodes are taken', () => cluster.on('front', `squeue -h -t R -j ${id}`).trim() !== '');
  return () => void cluster.on('front', `scancel ${id}`);
}

/** Moments of a submission at which a login node can be slow, with a tool that its scripts use then, and what that does. */
export const MOMENTS = {
  'before the scheduler has its job': { tool: 'submit', code: 'slow; exec "$real" "$@"' },
  'before the ID of its job is known': {
    tool: 'submit',
    code: 'id=$("$real" "$@") || exit; slow; echo "$id"',
  },
  'when its job has just been put on record': {
    tool: 'mv',
    code: '"$real" "$@"; case $2 in */record) slow ;; esac',
  },
  'before its ID arrives': { tool: 'rm', code: '"$real" "$@"; case $2 in */lock) slow ;; esac' },
} as const;

/**
 * Makes a login node slow, once, at a moment of a submission while `action` runs.
 * @param action gets a function that waits until a submission is there, and one after which it goes on some seconds later
 * @param submit the command of the scheduler
 */
export async function whileSlow(
  { user }: Pick<Cluster, 'user'>,
  moment: keyof typeof MOMENTS,
  action: (reached: () => Promise<void>, goOn: () => void) => Promise<void>,
  submit = 'sbatch',
): Promise<void> {
  const folder = join(user.home, 'slow');
  const startUp = join(user.home, '.bashrc');
  const { tool, code } = MOMENTS[moment];
  const name = tool === 'submit' ? submit : tool;
  mkdirSync(folder);
  chownSync(folder, user.uid, user.gid);
  const real = `real=$(PATH=\${PATH#*:}; command -v ${name})`;
  // However late this machine sends a signal: the seconds are for what that sets off. Without the folder, the test is over.
  const wait = 'until [ -e "$HOME/slow/on" ] || [ ! -d "$HOME/slow" ]; do sleep 0.1; done; sleep 3';
  const slow = `slow() { ! mkdir "$HOME/slow/reached" 2>/dev/null || { ${wait}; }; }`;
  writeFileSync(join(folder, name), `#!/bin/sh\n${real}\n${slow}\n${code}\n`, { mode: 0o755 });
  writeFileSync(startUp, 'PATH="$HOME/slow:$PATH"\n');
  try {
    const reached = () => eventually(`it is slow ${moment}`, () => existsSync(join(folder, 'reached')));
    await action(reached, () => writeFileSync(join(folder, 'on'), ''));
  } finally {
    for (const path of [startUp, folder]) rmSync(path, { recursive: true });
  }
}

/** Ends all jobs, so that a test leaves none to the next one. */
function cancelAll({ on, user, stranger }: Cluster): void {
  on('front', `scancel -u ${user.name}; scancel -u ${stranger.name}`);
}
