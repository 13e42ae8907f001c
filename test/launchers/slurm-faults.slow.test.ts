import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { signalQuietly } from '../hosts/signal.ts';
import { NO_CLUSTER, type Node } from '../hosts/slurm/cluster.ts';
import {
  clusterPerSuite,
  jobsOn,
  startedInJob,
  statusInJob,
  stoppedInJob,
  untilNoJob,
} from '../hosts/slurm/jobs.ts';
import { eventually } from '../hosts/world.ts';

/** What can go wrong with a server in a job. */
describe('slurm', { skip: NO_CLUSTER }, () => {
  const cluster = clusterPerSuite();

  const laptop = () => cluster.world.laptop;
  const run = (...args: string[]) => laptop().run(...args);

  test('after the ssh to the login node is killed, the same page works again without a question', async () => {
    const { url, tunnel } = await startedInJob(laptop(), 'killed');
    const token = (await run('open', 'killed', '--no-browser')).stdout.trim();
    assert.equal((await fetch(`${url}api`)).status, 200);
    signalQuietly(tunnel.pid, 'SIGKILL');
    // The request waits for the tunnel instead of failing.
    assert.equal((await fetch(`${url}api`)).status, 200);
    await eventually(
      'the tunnel is connected',
      async () => (await statusInJob(laptop(), 'killed')).state === 'connected',
    );
    assert.equal((await run('open', 'killed', '--no-browser')).stdout.trim(), token);
    assert.equal(await stoppedInJob(laptop(), 'killed'), 'shutdown');
    await untilNoJob(cluster);
  });

  test('a relay that was killed comes back, in its job', async () => {
    const { url, job } = await startedInJob(laptop(), 'relay');
    cluster.on(job.node, `pkill -KILL -u ${cluster.user.name} -f "[r]elay.py start"`);
    await eventually('the server responds', async () => {
      const response = await fetch(`${url}api`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
      return response?.status === 200;
    });
    assert.equal((await statusInJob(laptop(), 'relay')).jupyter.state, 'running');
    assert.equal(await stoppedInJob(laptop(), 'relay'), 'shutdown');
    await untilNoJob(cluster);
  });

  test('a job that was cancelled by hand is told from one that reached its time limit, and a new start makes a new job', async () => {
    const [{ job }, limited] = [
      await startedInJob(laptop(), 'by-hand'),
      await startedInJob(laptop(), 'limited', '--time', '1m'),
    ];
    assert.match(
      (await run('status', 'limited')).stdout,
      /running on \w+, [01] min left.*\n.*Its job ends soon/,
    );
    const following = laptop().start('logs', 'by-hand', '--follow');
    await following.saw('is running at', 'stdout');
    cluster.on('front', `scancel ${job.id}`);
    const followed = await following.ended;
    assert.match(followed.stdout, /is running at(.*\n)*.*CANCELLED AT/);
    assert.match(followed.stderr, /the server has ended/);
    await eventually('the job is gone', () => !jobsOn(cluster).includes(job.id));
    const cancelled = await statusInJob(laptop(), 'by-hand');
    assert.deepEqual([cancelled.code, cancelled.jupyter.state, cancelled.job.state], [3, 'stopped', 'over']);
    assert.match(cancelled.jupyter.reason, /^the job \d+ was cancelled\. Start it again/);
    assert.match((await run('logs', 'by-hand')).stdout, /CANCELLED AT .*\n(.*\n)*.*is running at/);
    const again = await startedInJob(laptop(), 'by-hand');
    assert.notEqual(again.job.id, job.id);
    assert.equal(await stoppedInJob(laptop(), 'by-hand'), 'shutdown');

    await eventually('its time is over', () => !jobsOn(cluster).includes(limited.job.id), 180_000, 2000);
    const over = await statusInJob(laptop(), 'limited');
    assert.deepEqual([over.code, over.jupyter.state], [3, 'stopped']);
    assert.match(over.jupyter.reason, /reached its time limit\. Start it again with a longer --time/);
    assert.equal(await stoppedInJob(laptop(), 'limited'), 'gone');
    await untilNoJob(cluster);
  });

  test('a scheduler that hangs costs no server, and is reported by what needs it', async () => {
    const { url } = await startedInJob(laptop(), 'hung');
    const controller = cluster.on('front', 'pgrep -x slurmctld').trim();
    cluster.on('front', `kill -STOP ${controller}`);
    try {
      assert.equal((await fetch(`${url}api`)).status, 200);
      const { code, jupyter } = await statusInJob(laptop(), 'hung');
      assert.deepEqual([code, jupyter.state], [0, 'running']);
      // The job ends by itself, since its Jupyter does.
      assert.equal(await stoppedInJob(laptop(), 'hung'), 'shutdown');
    } finally {
      cluster.on('front', `kill -CONT ${controller}`);
    }
    await untilNoJob(cluster);
  });

  test('names and directories with blanks, quotes and other letters work in a job, too', async () => {
    const directory = join(cluster.user.home, 'dé "x" $y');
    mkdirSync(directory);
    chownSync(directory, cluster.user.uid, cluster.user.gid);
    const { url, directory: served } = await startedInJob(laptop(), 'größe_1', '--directory', directory);
    assert.equal(served, directory);
    assert.equal((await fetch(`${url}api`)).status, 200);
    assert.equal(await stoppedInJob(laptop(), 'größe_1'), 'shutdown');
    await untilNoJob(cluster);
  });

  test('a start-up file that prints, and that changes what the commands of Slurm do, does not disturb a server in a job', async () => {
    const file = join(cluster.user.home, '.bashrc');
    // These would hide its job, submit two to a closed partition, and make a further step wait.
    const defaults =
      'SQUEUE_PARTITION=week SQUEUE_STATES=COMPLETED SBATCH_PARTITION=shut SBATCH_ARRAY_INX=1-2 SLURM_CPUS_PER_TASK=64';
    writeFileSync(file, `export ${defaults}; echo Welcome to the cluster; printf "no end of line"\n`);
    chmodSync(file, 0o644);
    try {
      const { url, job } = await startedInJob(laptop(), 'chatty');
      assert.deepEqual(jobsOn(cluster), [job.id]);
      assert.equal((await statusInJob(laptop(), 'chatty')).job.state, 'running');
      assert.equal((await fetch(`${url}api`)).status, 200);
      assert.equal(await stoppedInJob(laptop(), 'chatty'), 'shutdown');
      await untilNoJob(cluster);
    } finally {
      writeFileSync(file, '');
    }
  });

  test('a Jupyter that ends at once fails with its last words, and leaves no job', async () => {
    const options = ['start', 'loopback', '{F}', '--launcher', 'slurm', '--no-browser', '--name', 'ends'];
    const ends = await run(...options, '--command', 'sh -c "echo these are its last words; exit 3"');
    assert.equal(ends.code, 1);
    assert.match(ends.stderr, /Jupyter ended on loopback while it started.*\n.*these are its last words/);
    await untilNoJob(cluster);
    const { stdout } = await run('status', '--json');
    assert.ok(!stdout.includes('"ends"'), stdout);
  });

  test('another user can neither cancel the job of a server nor pretend to be it', async () => {
    const { job, url } = await startedInJob(laptop(), 'mine');
    const home = cluster.user.home.replace(/[' ]/g, '\\$&');
    assert.throws(() => cluster.on('front', `scancel ${job.id}`, cluster.stranger), /denied/i);
    assert.throws(() => cluster.on('front', `srun --overlap --jobid=${job.id} hostname`, cluster.stranger));
    // Nothing of it listens on a port, where others could connect. An srun, which carries the tunnel at first, has some of its own.
    const ports = (node: Node) =>
      cluster.on(node, `ss -Hltne | grep -c "uid:${cluster.user.uid} " || :`).trim();
    await eventually('the tunnel has left srun', () => ports('front') === '0');
    for (const node of ['front', job.node]) assert.equal(ports(node), '0');
    for (const path of [`${home}/.local`, '/tmp/remote-notebook-*/*.sock'])
      assert.throws(() => cluster.on(job.node, `ls ${path}`, cluster.stranger), /denied|cannot access/);
    assert.equal((await fetch(`${url}api`)).status, 200);
    assert.equal(await stoppedInJob(laptop(), 'mine'), 'shutdown');
    await untilNoJob(cluster);
  });
});
