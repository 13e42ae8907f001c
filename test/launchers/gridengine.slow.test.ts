import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NO_GRIDENGINE } from '../hosts/gridengine/host.ts';
import { gridEnginePerSuite, jobsOn, untilNoJob } from '../hosts/gridengine/jobs.ts';
import { makeInProcess } from '../hosts/machines.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { whileSlow } from '../hosts/slurm/jobs.ts';
import { ownLocalPort } from '../hosts/sshd.ts';
import { eventually, type Laptop } from '../hosts/world.ts';

/** Servers in jobs of a real Grid Engine of one host, which is the login node and the only node. */
describe('grid engine', { skip: NO_GRIDENGINE }, () => {
  const host = gridEnginePerSuite();

  const run = (...args: string[]) => host.world.laptop.run(...args);
  const options = (name: string) => [
    ...['start', 'loopback', '{F}', '--launcher', 'gridengine', '--no-browser', '--name', name],
  ];

  async function started(name: string, ...more: string[]) {
    return startedOn(host.world.laptop, name, ...more);
  }

  async function startedOn(laptop: Laptop, name: string, ...more: string[]) {
    const { code, stdout, stderr } = await laptop.run(
      ...options(name),
      '--json',
      ...(await ownLocalPort()),
      ...more,
    );
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  async function refused(...more: string[]): Promise<string> {
    const { code, stderr } = await run(...options('refused'), ...more);
    assert.equal(code, 1, stderr);
    return stderr;
  }

  async function outcome(name: string): Promise<string> {
    const { stdout, stderr } = await run('stop', name, '--yes', '--json');
    return stdout === '' ? stderr : JSON.parse(stdout).outcome;
  }

  /** The processes of the user, but for those of sshd. */
  function processes(): string {
    return host.on(`ps -u ${host.user.name} -o args= | grep -v '^sshd\\|^ps\\|^-*bash' || :`);
  }

  const nothingRuns = () =>
    eventually('no process and no folder of a server is left', () =>
      [processes(), host.on('ls /tmp | grep main.q || :')].every((printed) => printed.trim() === ''),
    );

  /** Has all slots until it is called. */
  async function occupy(): Promise<() => void> {
    const id = host.on(`echo 'sleep 600' | qsub -terse -pe smp 2 -o /dev/null -j y`, host.stranger).trim();
    await eventually('the slots are taken', () => / r /.test(host.on("qstat -u '*'")));
    return () => void host.on(`qdel ${id}`);
  }

  test('Ctrl-C before the ID of a job is known leaves neither a job nor a record', async () => {
    const action = async (reached: () => Promise<void>, goOn: () => void) => {
      // A job that is left would stay in the queue.
      const start = host.world.laptop.start(...options('submitting'), '--job-option=-h');
      await reached();
      start.signal('SIGINT');
      goOn();
      const { code, stderr } = await start.ended;
      assert.equal(code, 130);
      assert.match(stderr, /Interrupted; nothing is left behind/);
    };
    await whileSlow(host, 'before the ID of its job is known', action, 'qsub');
    assert.deepEqual(jobsOn(host), []);
    await nothingRuns();
  });

  test('a server starts in a job, is joined from a second laptop, and is stopped with its job', async () => {
    const { laptop } = host.world;
    const { url, job, jupyter } = await started('main', '--time', '20m', '--cpus', '2');
    assert.deepEqual([job.scheduler, job.state, job.node], ['gridengine', 'running', 'gem']);
    assert.ok(Math.abs(Date.parse(job.endsAt) - Date.now() - 20 * 60_000) < 3 * 60_000, job.endsAt);
    assert.match(host.on(`qstat -j ${job.id}`), /parallel environment: +smp range: 2/);
    assert.match(jupyter.socket, /^\/tmp\/\d+\.1\.main\.q\//);
    assert.match(await (await fetch(`${url}api`)).text(), /"version"/);
    const row = /main +running on gem, (1[5-9]|20) min left +connected/;
    await eventually('status shows the node and the time left', async () =>
      row.test((await run('status', 'main')).stdout),
    );
    const logs = await run('logs', 'main');
    assert.match(logs.stdout, /Jupyter Notebook .* is running at:/, logs.stderr);
    const again = await startedOn(host.world.anotherLaptop(), 'main');
    assert.deepEqual([again.joined, again.job.id], [true, job.id]);
    const listed = await laptop.run('status', 'loopback', '{F}', '--all');
    assert.match(listed.stdout, /main/, listed.stderr);

    assert.equal(await outcome('main'), 'shutdown');
    await untilNoJob(host);
    await nothingRuns();
  });

  test('a start that waits for slots can be interrupted and joined later, and stop cancels a job that waits', async () => {
    const { laptop } = host.world;
    const free = await occupy();
    let id = '';
    const waiting = laptop.start(...options('queued'), ...(await ownLocalPort()));
    await waiting.saw('waits for free nodes');
    waiting.signal('SIGINT');
    assert.equal((await waiting.ended).code, 130);
    await eventually('status shows that it waits', async () => {
      const { code, stdout } = await run('status', 'queued', '--json');
      const { jupyter, job } = JSON.parse(stdout).servers[0];
      id = job.id;
      return code === 0 && jupyter.state === 'queued' && job.reason === 'qw';
    });
    const joining = started('queued');
    free();
    assert.equal((await joining).job.id, id);
    assert.equal(await outcome('queued'), 'shutdown');
    await untilNoJob(host);

    const freeAgain = await occupy();
    const another = laptop.start(...options('queued'), ...(await ownLocalPort()));
    await another.saw('waits');
    another.signal('SIGINT');
    await another.ended;
    assert.equal(jobsOn(host).length, 2);
    assert.equal(await outcome('queued'), 'cancelled');
    assert.equal(jobsOn(host).length, 1);
    freeAgain();
  });

  test('two starts at once make one job', async () => {
    const laptops = [host.world.laptop, host.world.anotherLaptop()];
    const both = await Promise.all(laptops.map((laptop) => startedOn(laptop, 'twice')));
    assert.equal(new Set(both.map(({ job }) => job.id)).size, 1);
    assert.equal(jobsOn(host).length, 1);
    assert.equal(await outcome('twice'), 'shutdown');
  });

  test('a job that is refused, or that no queue could ever run, fails at once with what to change', async () => {
    assert.match(
      await refused('--partition', 'nowhere'),
      /unknown queue "nowhere".*\nChoose another --partition/s,
    );
    assert.match(await refused('--time', '48h'), /no suitable queues.*\n.*a shorter --time/s);
    assert.match(await refused('--cpus', '5'), /no suitable queues.*\n.*fewer --cpus/s);
    assert.match(await refused('--gpus', '1'), /unknown resource "gpu".*\n.*--job-option/s);
    assert.match(await refused('--account', 'nope'), /project "nope".*\nChoose another --account/s);
    assert.match(await refused('--job-option=--nonsense'), /nonsense.*\nCheck --job-option/s);
    assert.deepEqual(jobsOn(host), []);
  });

  test('a job that is held, or could not be started, is reported at once, and stays until it is stopped', async () => {
    assert.match(await refused('--job-option=-h'), /job \d+ waits: it is held \(hqw\), so it will not start/);
    assert.equal(await outcome('refused'), 'cancelled');
    await untilNoJob(host);
    const stderr = await refused('--job-option=-wd', '--job-option=/nonexistent');
    assert.match(
      stderr,
      /it could not be started \(Eqw: .*can't chdir to \/nonexistent.*\), so it will not start/,
    );
    assert.equal(await outcome('refused'), 'cancelled');
  });

  async function endOf(name: string, expected: RegExp): Promise<void> {
    await eventually(`status shows ${expected}`, async () => {
      const { code, stdout } = await run('status', name);
      return code === 3 && expected.test(stdout);
    });
  }

  test('a job that is cancelled by hand leaves no process, and status shows it', async () => {
    const { job } = await started('cancelled');
    host.on(`qdel ${job.id} || :`, host.stranger);
    assert.match(host.on("qstat -u '*'"), / r /);
    host.on(`qdel ${job.id}`, host.user);
    await untilNoJob(host);
    await nothingRuns();
    // The accounting comes some seconds later.
    await endOf('cancelled', /the job \d+ was ended by a signal, for example since it was cancelled/);
    assert.match((await run('logs', 'cancelled')).stdout, /is running at:/);
    assert.equal(await outcome('cancelled'), 'gone');
  });

  test('a job whose time is over leaves no process, and status says so', async () => {
    await started('short', '--time', '1m');
    assert.match((await run('status', 'short')).stdout, /Its job ends soon/);
    await eventually('its time is over', () => jobsOn(host).length === 0, 180_000, 1000);
    await nothingRuns();
    await endOf(
      'short',
      /the job \d+ reached its limit of time or memory\. Start it again with a longer --time/,
    );
    assert.equal(await outcome('short'), 'gone');
  });

  test('after the ssh to the host is killed, the same page works again without a question', async () => {
    const { url, tunnel } = await started('lost');
    signalQuietly(tunnel.pid, 'SIGKILL');
    assert.equal((await fetch(`${url}api`)).status, 200);
    assert.equal(await outcome('lost'), 'shutdown');
  });

  test('another user reaches neither the files nor the socket of a server', async () => {
    const { jupyter, job } = await started('mine');
    assert.throws(() => host.on(`ls '${jupyter.socket}'`, host.stranger));
    const shown = host.on(`qstat -j ${job.id}; ps -A -ww -o args`, host.stranger);
    assert.doesNotMatch(shown, /token=[0-9a-f]/);
    assert.equal(await outcome('mine'), 'shutdown');
  });
});

test('a test that is killed leaves no process and no network of its host with Grid Engine', {
  skip: NO_GRIDENGINE,
}, async () => {
  const module = fileURLToPath(new URL('../hosts/gridengine/host.ts', import.meta.url));
  const code = `const made = await (await import(${JSON.stringify(module)})).makeGridEngine()`;
  const { child, accounts } = await makeInProcess(code);
  // With the numbers that tell it from what the next host has.
  const left = () => [
    ...(execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' }).match(/^\d+: rngridengine/gm) ?? []),
    ...(execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' }).match(
      /\d+ \S*sge_(qmaster|execd)$/gm,
    ) ?? []),
  ];
  const its = left();
  assert.notDeepEqual(its, []);
  child.kill('SIGKILL');
  await eventually('nothing is left', () => !left().some((each) => its.includes(each)));
  for (const account of accounts) execFileSync('userdel', [account]);
});
