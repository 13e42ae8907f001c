import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { openSession } from '../hosts/kernels.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { NO_ADOPT } from '../hosts/slurm/cluster.ts';
import {
  askServer,
  clusterPerSuite,
  jobsOn,
  knownWay,
  recordOf,
  startedInJob,
  statusInJob,
  stoppedInJob,
  untilNoJob,
} from '../hosts/slurm/jobs.ts';
import { eventually } from '../hosts/world.ts';

/** How a server in a job can end, and what a user is told then. */
describe('slurm', { skip: NO_ADOPT }, () => {
  const cluster = clusterPerSuite();

  const laptop = () => cluster.world.laptop;

  /** Waits until status knows that a server has ended, and returns why. */
  async function endOf(name: string): Promise<string> {
    let reason = '';
    await eventually(
      `${name} has ended`,
      async () => {
        const { jupyter } = await statusInJob(laptop(), name);
        reason = jupyter.reason ?? '';
        return jupyter.state === 'stopped' && !reason.includes('is ending');
      },
      180_000,
      1000,
    );
    return reason;
  }

  test('a job that gives way to one with a higher priority is reported as such', async () => {
    await startedInJob(laptop(), 'weak', '--partition', 'spare');
    const strong = 'sbatch --parsable --exclusive --nodes=2 --output=/dev/null --wrap="sleep 300"';
    cluster.on('front', strong, cluster.stranger);
    assert.match(await endOf('weak'), /had to give way to a job with a higher priority\. Start it again/);
  });

  test('a job that a scheduler starts again is found by the next start', async () => {
    const { job } = await startedInJob(laptop(), 'requeued', '--job-option=--requeue');
    const before = recordOf(laptop(), 'requeued').jupyter;
    // Slurm would wait for two minutes.
    cluster.on('front', `scontrol requeue ${job.id}`);
    const state = () => cluster.on('front', `squeue -h -j ${job.id} -o %T`).trim();
    await eventually('the job is in the queue again', () => state() === 'PENDING');
    const waiting = await statusInJob(laptop(), 'requeued');
    assert.notEqual(waiting.jupyter.state, 'running');
    cluster.on('front', `scontrol update JobId=${job.id} StartTime=now`);
    const again = await startedInJob(laptop(), 'requeued', '--job-option=--requeue');
    assert.equal(again.job.id, job.id);
    assert.notEqual(recordOf(laptop(), 'requeued').jupyter?.token, before?.token);
    assert.equal((await askServer(laptop(), 'requeued', '/api/status')).status, 200);
    assert.equal(await stoppedInJob(laptop(), 'requeued'), 'shutdown');
    await untilNoJob(cluster);
  });

  test('a node that fails ends its server, which is reported, and another start gets another node', async () => {
    const { job } = await startedInJob(laptop(), 'failing');
    cluster.on(job.node, 'ip link set inside down');
    try {
      assert.match(await endOf('failing'), /ended since its node failed\. Start it again/);
      const again = await startedInJob(laptop(), 'failing');
      assert.notEqual(again.job.node, job.node);
      assert.equal(await stoppedInJob(laptop(), 'failing'), 'shutdown');
    } finally {
      cluster.on(job.node, 'ip link set inside up');
    }
    await eventually(
      'the node is back',
      () => cluster.on('front', `sinfo -h -n ${job.node} -o %t | head -n 1`).trim() === 'idle',
      120_000,
      500,
    );
  });

  test('a kernel that is out of memory in its job is reported as such, and the server keeps running', async () => {
    const shown = await startedInJob(laptop(), 'memory', '--memory', '400M');
    const kernel = await openSession(laptop(), shown, 'big.ipynb');
    // The kernel's own channels are on the node, and this server has a socket: its page would send the same.
    const file = cluster.on(shown.job.node, `ls /tmp/remote-notebook-*/kernel-${kernel}.json`).trim();
    const code = 'data = [bytes([1]) * 2**20 for _ in range(2000)]';
    const run = `from jupyter_client import BlockingKernelClient as C; c = C(); c.load_connection_file("${file}"); c.start_channels(hb=False); c.wait_for_ready(timeout=60); c.execute("${code}")`;
    cluster.on(shown.job.node, `python3 -c '${run}'`);
    await eventually('the death of the kernel is known', async () => {
      const { jupyter } = await statusInJob(laptop(), 'memory');
      return /out of memory/.test(jupyter.deaths?.[0]?.reason ?? '');
    });
    assert.equal((await statusInJob(laptop(), 'memory')).jupyter.state, 'running');
    assert.equal(await stoppedInJob(laptop(), 'memory'), 'shutdown');
    await untilNoJob(cluster);
  });

  test('a hung Jupyter is stopped with its job', async () => {
    const { job } = await startedInJob(laptop(), 'hung');
    cluster.on(job.node, `pkill -STOP -u ${cluster.user.name} -f "[j]upyter-notebook.*sock="`);
    assert.equal(await stoppedInJob(laptop(), 'hung'), 'cancelled');
    assert.deepEqual(jobsOn(cluster), []);
  });

  test('a job that ends while there is no connection is known when it is back, and the next one is reached as before', async () => {
    const { tunnel, job } = await startedInJob(laptop(), 'away');
    await eventually('the tunnel leads to the node by ssh', () => knownWay(laptop())?.isOpen === true);
    const { sshd } = cluster.world;
    await sshd.stop();
    signalQuietly(tunnel.pid, 'SIGKILL');
    cluster.on('front', `scancel ${job.id}`);
    await untilNoJob(cluster);
    // Some clusters turn off the nodes that they do not need.
    const unreachable = `unreachable $(getent hosts ${job.node} | cut -d ' ' -f 1)`;
    cluster.on('front', `ip route add ${unreachable}`);
    try {
      await sshd.start();
      assert.match(await endOf('away'), /was cancelled\. Start it again/);
      await eventually('the tunnel knows it', () =>
        Object.values(keeperOf(laptop()).reasons ?? {}).includes('the job has ended'),
      );
      assert.equal(knownWay(laptop()).isOpen, true);
    } finally {
      cluster.on('front', `ip route del ${unreachable}`);
    }
  });

  test('the end of another job, into which the node had put our ssh, costs nothing', async () => {
    const submit = 'sbatch --parsable -w oak --output=/dev/null --wrap "sleep 300"';
    const other = cluster.on('front', submit, cluster.user).trim();
    const state = () => cluster.on('front', `squeue -h -j ${other} -o %T`).trim();
    await eventually('it is running', () => state() === 'RUNNING');
    // With two jobs on a node, an ssh to it is put into the first one.
    await startedInJob(laptop(), 'ours', '--job-option=--nodelist=oak');
    await eventually('the tunnel leads to the node by ssh', () => knownWay(laptop())?.isOpen === true);
    const groups = `for each in $(pgrep -u ${cluster.user.name} sshd); do cat /proc/$each/cgroup 2>/dev/null || :; done`;
    await eventually('our ssh is in the other job', () =>
      cluster.on('oak', groups).includes(`job_${other}/`),
    );
    cluster.on('front', `scancel ${other}`);
    await eventually('the other job has ended', () => !jobsOn(cluster).includes(other));
    assert.equal((await askServer(laptop(), 'ours', '/api/status')).status, 200);
    await eventually(
      'the tunnel is connected',
      async () => (await statusInJob(laptop(), 'ours')).state === 'connected',
    );
    assert.equal(await stoppedInJob(laptop(), 'ours'), 'shutdown');
    await untilNoJob(cluster);
  });
});
