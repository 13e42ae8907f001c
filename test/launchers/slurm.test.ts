import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { NO_CLUSTER } from '../hosts/slurm/cluster.ts';
import {
  clusterPerSuite,
  jobOptions,
  jobsOn,
  occupy,
  startedInJob,
  statusInJob,
  untilNoJob,
} from '../hosts/slurm/jobs.ts';
import { eventually } from '../hosts/world.ts';

/** Servers in jobs of a real Slurm of two nodes, behind a login node. */
describe('slurm', { skip: NO_CLUSTER }, () => {
  const cluster = clusterPerSuite();

  test('a server starts in a job on a compute node, is reached through the login node, and is stopped with its job', async () => {
    const { laptop } = cluster.world;
    const { url, job, jupyter } = await startedInJob(laptop, 'main', '--time', '20m', '--memory', '600M');
    assert.match(job.node, /^(oak|elm)$/);
    assert.equal(job.state, 'running');
    assert.deepEqual([job.resources.time, job.resources.memory, job.resources.cpus], ['20m', '600M', null]);
    assert.ok(Math.abs(Date.parse(job.endsAt) - Date.now() - 20 * 60_000) < 3 * 60_000, job.endsAt);

    // What answers there is the Jupyter of the job, on its node.
    const listed = cluster.on(job.node, 'ps -A -o user:20,args | grep "[j]upyter-notebook.*sock="');
    assert.ok(listed.startsWith(cluster.user.name) && listed.includes(jupyter.socket), listed);
    assert.match(await (await fetch(`${url}api`)).text(), /"version"/);
    assert.equal(cluster.on('front', 'ps -A -o args | grep -c "[j]upyter" || :').trim(), '0');

    const row = new RegExp(`main +running on ${job.node}, (1[5-9]|20) min left +connected`);
    await eventually('status shows the node and the time left', async () =>
      row.test((await laptop.run('status', 'main')).stdout),
    );
    const { stdout: log } = await laptop.run('logs', 'main');
    assert.match(log, /Jupyter Notebook .* is running at:/);
    assert.doesNotMatch(log, /@remote-notebook|token=[0-9a-f]/);

    const again = await startedInJob(laptop, 'main', '--time', '20m', '--memory', '600M');
    assert.deepEqual([again.joined, again.job.id], [true, job.id]);
    const second = await startedInJob(cluster.world.anotherLaptop(), 'main');
    assert.deepEqual([second.joined, second.job.id, second.job.node], [true, job.id, job.node]);

    const stopped = await laptop.run('stop', 'main', '--json');
    assert.equal(JSON.parse(stopped.stdout).outcome, 'shutdown', stopped.stderr);
    await untilNoJob(cluster);
    const processes = `ps -u ${cluster.user.name} -o args= | grep "[j]upyter\\|[r]elay.py"`;
    const left = `${processes}; find /tmp -maxdepth 1 -name "remote-notebook-*"`;
    for (const node of ['oak', 'elm', 'front'] as const)
      await eventually(`nothing is left on ${node}`, () => cluster.on(node, left) === '');
  });

  test('no secret is in what the cluster shows of a job, to others or to its administrators', async () => {
    const { laptop } = cluster.world;
    const { job, url } = await startedInJob(laptop, 'secret', '--setup', 'export PASSWORD=hush-hush');
    const { servers } = JSON.parse(
      execFileSync('cat', [join(laptop.stateFolder, 'state.json')], { encoding: 'utf8' }),
    );
    const { token, folder } = servers.secret.jupyter;
    assert.match(token, /^[0-9a-f]{40,}$/);
    const shown = cluster.on(
      'front',
      `scontrol show job ${job.id}; scontrol write batch_script ${job.id} -; cat /run/slurm/state/hash.*/job.${job.id}/*`,
    );
    assert.ok(shown.includes('remote-notebook:secret'), shown);
    assert.ok(!shown.includes(token) && !shown.includes('hush-hush'), shown);
    const processes = ['front', 'oak', 'elm'] as const;
    for (const node of processes) assert.ok(!cluster.on(node, 'ps -A -ww -o args').includes(token));
    // Another user reaches neither the files nor the socket.
    for (const path of [folder, servers.secret.jupyter.socket, servers.secret.relay.socket])
      assert.throws(() => cluster.on(job.node, `ls "${path}"/* || cat "${path}"`, cluster.stranger), path);
    assert.equal((await fetch(`${url}api/contents`)).status, 403);
    assert.equal((await laptop.run('stop', 'secret')).code, 0);
    await untilNoJob(cluster);
  });

  test('a start that waits in the queue says why, can be interrupted, and is joined later; stop cancels the job', async () => {
    const { laptop } = cluster.world;
    const free = await occupy(cluster);
    const waiting = laptop.start(...(await jobOptions('queued')));
    await waiting.saw('waits for free nodes');
    waiting.signal('SIGINT');
    const { code, stderr } = await waiting.ended;
    assert.equal(code, 130);
    assert.match(
      stderr,
      /Interrupted; the job \d+ stays in the queue\.\n.*remote-notebook start queued.*remote-notebook stop queued/s,
    );

    const queued = await statusInJob(laptop, 'queued');
    assert.deepEqual([queued.code, queued.jupyter.state, queued.job.state], [0, 'queued', 'queued']);
    await eventually('status shows why it waits', async () =>
      /queued +queued \((Resources|Priority)[^)]*\) +connected/.test(
        (await laptop.run('status', 'queued')).stdout,
      ),
    );

    const [first, second] = [laptop, cluster.world.anotherLaptop()].map((each) =>
      startedInJob(each, 'queued'),
    );
    free();
    assert.deepEqual([(await first)?.job.id, (await second)?.job.id], [queued.job.id, queued.job.id]);
    assert.equal((await laptop.run('stop', 'queued')).code, 0);
    await untilNoJob(cluster);

    const freeAgain = await occupy(cluster);
    const another = laptop.start(...(await jobOptions('queued')));
    await another.saw('waits');
    another.signal('SIGINT');
    await another.ended;
    assert.equal(jobsOn(cluster).length, 2);
    const stopped = await laptop.run('stop', 'queued', '--json');
    assert.equal(JSON.parse(stopped.stdout).outcome, 'cancelled', stopped.stderr);
    assert.equal(jobsOn(cluster).length, 1);
    freeAgain();
    await untilNoJob(cluster);
    const servers = join(cluster.user.home, '.local/state/remote-notebook/servers');
    const left = readdirSync(servers, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /(record|job\.sh|announced|lock)$/.test(name),
    );
    assert.deepEqual(left, []);
  });

  test('two starts at once make one job', async () => {
    const [one, other] = [cluster.world.laptop, cluster.world.anotherLaptop()];
    const started = await Promise.all([startedInJob(one, 'twice'), startedInJob(other, 'twice')]);
    assert.equal(new Set(started.map(({ job }) => job.id)).size, 1);
    assert.deepEqual(jobsOn(cluster), [started[0].job.id]);
    assert.equal((await one.run('stop', 'twice')).code, 0);
    await untilNoJob(cluster);
  });

  async function refused(...options: string[]): Promise<string> {
    const { code, stderr } = await cluster.world.laptop.run(...(await jobOptions('refused')), ...options);
    assert.equal(code, 1, stderr);
    return stderr;
  }

  test('a job that the scheduler refuses fails at once, with its own words and what to change', async () => {
    assert.match(
      await refused('--partition', 'nowhere'),
      /Slurm on loopback refused the job: .*invalid partition.*\nChoose another --partition/s,
    );
    assert.match(await refused('--memory', '90G'), /refused the job: .*\n.*--memory/s);
    assert.match(await refused('--gpus', '7'), /refused the job: .*\n.*--(gpus|cpus)/s);
    assert.match(
      await refused('--job-option=--nonsense'),
      /refused the job: .*nonsense.*\nCheck --job-option/s,
    );
    assert.deepEqual(jobsOn(cluster), []);
    const { stdout } = await cluster.world.laptop.run('status', '--json');
    assert.deepEqual(JSON.parse(stdout).servers, []);
  });

  test('a job that can never start is reported at once, with what to change, and stays until it is stopped', async () => {
    const stderr = await refused('--time', '4h');
    assert.match(stderr, /^ {2}! job \d+ waits: .* \(Partition(Config|TimeLimit)\)\n/m);
    assert.match(
      stderr,
      /job \d+ waits: its time is longer than the partition allows \(PartitionTimeLimit\), so it will not start by itself\nChoose a shorter --time, or another --partition\.\n.*remote-notebook stop refused/s,
    );
    assert.equal(jobsOn(cluster).length, 1);
    const stopped = await cluster.world.laptop.run('stop', 'refused', '--json');
    assert.equal(JSON.parse(stopped.stdout).outcome, 'cancelled', stopped.stderr);
    assert.deepEqual(jobsOn(cluster), []);
  });

  test('what is missing on the node is reported as on any host, and no job is left', async () => {
    assert.match(
      await refused('--environment', 'nothing'),
      /the environment "nothing" does not exist on loopback/,
    );
    assert.match(await refused('--command', 'no-such-jupyter'), /no-such-jupyter was not found on loopback/);
    await untilNoJob(cluster);
  });
});
