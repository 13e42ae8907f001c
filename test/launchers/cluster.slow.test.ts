import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeInProcess } from '../hosts/machines.ts';
import { makeCluster, NO_ADOPT, NO_CLUSTER } from '../hosts/slurm/cluster.ts';
import { eventually } from '../hosts/world.ts';

const CLUSTER = fileURLToPath(new URL('../hosts/slurm/cluster.ts', import.meta.url));

/** What a cluster has outside of its namespaces, with the numbers that tell it from what the next one has. */
function left(): string[] {
  const links = execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' }).match(/^\d+: rncluster\w*/gm) ?? [];
  const groups = readdirSync('/sys/fs/cgroup').flatMap((controller) => {
    const { stdout } = spawnSync(
      'find',
      [`/sys/fs/cgroup/${controller}`, '-maxdepth', '1', '-name', 'rncluster-*', '-printf', '%p %i\\n'],
      {
        encoding: 'utf8',
      },
    );
    return stdout.split('\n').filter(Boolean);
  });
  const processes = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' });
  return [...links, ...groups, ...(processes.match(/\d+ slurm(ctld|d) -D$/gm) ?? [])];
}

test('a test that is killed leaves no process, network or cgroup of its cluster', {
  skip: NO_CLUSTER,
}, async () => {
  const code = `const made = await (await import(${JSON.stringify(CLUSTER)})).makeCluster()`;
  const { child, accounts } = await makeInProcess(code);
  const its = left();
  assert.notDeepEqual(its, []);
  child.kill('SIGKILL');
  await eventually('nothing is left', () => !left().some((each) => its.includes(each)));
  // Nobody else can remove these.
  for (const account of accounts) execFileSync('userdel', ['-f', account]);
});

test('the nodes of the test cluster let in only who has a job there, and limit the memory of jobs', {
  skip: NO_ADOPT,
}, async () => {
  const cluster = await makeCluster();
  try {
    const { on, user, world } = cluster;
    const knock = () =>
      spawnSync(
        'ssh',
        [
          '-F',
          world.sshd.sshConfig,
          'loopback',
          'ssh -o StrictHostKeyChecking=no -o BatchMode=yes oak hostname 2>&1',
        ],
        { encoding: 'utf8' },
      ).stdout;
    // The key of the laptop is that of the nodes, too.
    on('front', `install -m 600 -o ${user.name} ${world.sshd.key} "${user.home}/.ssh/id_ed25519"`);
    assert.match(knock(), /Access denied by pam_slurm_adopt/);
    const job = on('front', 'sbatch --parsable -w oak --wrap "sleep 60"', user).trim();
    await eventually(
      'the job is running',
      () => on('front', `squeue -h -j ${job} -o %T`).trim() === 'RUNNING',
    );
    await eventually('the node lets in its user', () => /^oak$/m.test(knock()));
    const limit = on('oak', 'cat /sys/fs/cgroup/memory/slurm*/uid_*/job_*/memory.limit_in_bytes').trim();
    assert.equal(Number(limit), 500 * 2 ** 20);
  } finally {
    await cluster.remove();
  }
});
