import assert from 'node:assert/strict';
import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { configureJupyter } from '../hosts/configuration.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { NO_CLUSTER } from '../hosts/slurm/cluster.ts';
import {
  askServer,
  clusterPerSuite,
  jobOptions,
  jobsOn,
  MOMENTS,
  occupy,
  recordOf,
  recordsOn,
  startedInJob,
  statusInJob,
  stoppedInJob,
  untilNoJob,
  whileSlow,
} from '../hosts/slurm/jobs.ts';
import { ownLocalPort } from '../hosts/sshd.ts';
import { CTRL_C, ENTER, openTerminal } from '../hosts/terminal.ts';
import { eventually, PROGRAM } from '../hosts/world.ts';

/** The text of a page; empty if it does not come. */
async function textOf(url: string, signal: AbortSignal): Promise<string> {
  try {
    return await (await fetch(url, { signal })).text();
  } catch {
    return '';
  }
}

/** What a user does with a server in a job, from its submission to its end. */
describe('slurm', { skip: NO_CLUSTER }, () => {
  const cluster = clusterPerSuite();

  const laptop = () => cluster.world.laptop;
  const run = (...args: string[]) => laptop().run(...args);

  test('restart keeps the job, and --new-job submits another one', async () => {
    const { job, url } = await startedInJob(laptop(), 'again', '--time', '20m');
    const before = recordOf(laptop(), 'again').jupyter;
    const { code, stdout, stderr } = await run('restart', 'again', '--no-browser', '--json');
    assert.equal(code, 0, stderr);
    const restarted = JSON.parse(stdout);
    assert.deepEqual([restarted.job.id, restarted.joined, restarted.url], [job.id, false, url]);
    assert.notEqual(recordOf(laptop(), 'again').jupyter?.token, before?.token);
    assert.equal((await askServer(laptop(), 'again', '/api/status')).status, 200);
    assert.deepEqual(jobsOn(cluster), [job.id]);
    const folders = () => cluster.on(job.node, 'ls -d /tmp/remote-notebook-*').trim().split('\n');
    await eventually('nothing of the former server is left on the node', () => folders().length === 3);

    const { stdout: another } = await run('restart', 'again', '--no-browser', '--json', '--new-job');
    assert.notEqual(JSON.parse(another).job.id, job.id);
    assert.equal(await stoppedInJob(laptop(), 'again'), 'shutdown');
    await untilNoJob(cluster);
  });

  test('a job that ends soon is not used for a restart', async () => {
    const { job } = await startedInJob(laptop(), 'short', '--time', '5m');
    const { stderr } = await run('restart', 'short', '--no-browser');
    assert.match(stderr, /its job ends soon, so the server gets a new one/);
    assert.notEqual((await statusInJob(laptop(), 'short')).job.id, job.id);
    assert.equal(await stoppedInJob(laptop(), 'short'), 'shutdown');
    await untilNoJob(cluster);
  });

  /** Starts a server on a terminal, and presses Ctrl-C while its job waits. Returns what is shown after this answer, and what lets jobs start. */
  async function interrupted(name: string, answer: string) {
    const free = await occupy(cluster);
    const options = (await jobOptions(name)).flatMap((word) =>
      word === '{F}' ? ['-F', cluster.world.sshd.sshConfig] : [word],
    );
    const window = openTerminal([...PROGRAM, ...options], laptop().env);
    await window.saw('waits');
    window.type(CTRL_C);
    await window.saw('in the queue? ');
    window.type(answer);
    assert.equal(await window.ended, 130);
    return { shown: window.shown(), free };
  }

  test('Ctrl-C on a terminal asks whether to keep a job that waits, and keeps it by default', async () => {
    const { shown, free } = await interrupted('kept', ENTER);
    assert.match(shown, /Interrupted; the job \d+ stays in the queue/);
    assert.equal((await statusInJob(laptop(), 'kept')).code, 0);
    assert.equal(await stoppedInJob(laptop(), 'kept'), 'cancelled');
    free();
    await untilNoJob(cluster);
  });

  test('a job that is not to be kept at Ctrl-C is cancelled, and nothing is left', async () => {
    const { shown, free } = await interrupted('dropped', `n${ENTER}`);
    assert.match(shown, /Interrupted; nothing is left behind/);
    free();
    await untilNoJob(cluster);
    assert.deepEqual(JSON.parse((await run('status', '--json')).stdout).servers, []);
  });

  async function interruptedAfter(phase: string, goOn = () => {}): Promise<void> {
    const start = laptop().start(...(await jobOptions(`until-${phase}`)));
    await start.saw(`✓ ${phase}`);
    start.signal('SIGINT');
    goOn();
    const { code, stderr } = await start.ended;
    assert.equal(code, 130);
    assert.match(stderr, /Interrupted; nothing is left behind/);
    await untilNoJob(cluster);
    assert.deepEqual(JSON.parse((await run('status', '--json')).stdout).servers, []);
  }

  // If its job was in the queue when the signal arrives, that would stay there.
  test('Ctrl-C after the phase "connect" leaves neither a job nor a record', () =>
    whileSlow(cluster, 'before the scheduler has its job', (_, goOn) => interruptedAfter('connect', goOn)));

  test('Ctrl-C after the phase "queue" leaves neither a job nor a record', async () => {
    // A Jupyter that is quick could be there before the signal: this one only ends with its job.
    const settings = configureJupyter(cluster.user.home, 'import time; time.sleep(600)');
    chownSync(settings, cluster.user.uid, cluster.user.gid);
    try {
      await interruptedAfter('queue');
    } finally {
      rmSync(settings, { recursive: true });
    }
  });

  /** Presses Ctrl-C while the login node is slow at a moment of a submission. */
  async function interruptedWhileSlow(moment: keyof typeof MOMENTS, ...options: string[]): Promise<void> {
    await whileSlow(cluster, moment, async (reached, goOn) => {
      // A job that is left would stay in the queue.
      const words = [...(await jobOptions('submitting')), '--job-option=--hold', ...options];
      const start = laptop().start(...words);
      await reached();
      start.signal('SIGINT');
      goOn();
      const { code, stderr } = await start.ended;
      assert.equal(code, 130);
      assert.match(stderr, /Interrupted; nothing is left behind/);
    });
    assert.deepEqual([jobsOn(cluster), recordsOn(cluster)], [[], []]);
    assert.deepEqual(JSON.parse((await run('status', '--json')).stdout).servers, []);
  }

  for (const moment of Object.keys(MOMENTS) as (keyof typeof MOMENTS)[])
    test(`Ctrl-C during a submission, ${moment}, leaves neither a job nor a record`, () =>
      interruptedWhileSlow(moment));

  test('Ctrl-C during a submission with --no-wait leaves neither a job nor a record', () =>
    interruptedWhileSlow('before its ID arrives', '--no-wait'));

  test('a start whose connection is lost in the queue waits for it, and then for the same job', async () => {
    const free = await occupy(cluster);
    const waiting = laptop().start(...(await jobOptions('lost')), '--json');
    await eventually('the job is in the queue', () => jobsOn(cluster).length === 2);
    await eventually('it is on record', () => recordOf(laptop(), 'lost')?.job !== undefined);
    const { tunnel, job } = await statusInJob(laptop(), 'lost');
    signalQuietly(tunnel.pid, 'SIGKILL');
    await eventually('there is another ssh', async () => {
      const now = await statusInJob(laptop(), 'lost');
      return now.tunnel.pid !== null && now.tunnel.pid !== tunnel.pid;
    });
    free();
    const { code, stdout, stderr } = await waiting.ended;
    assert.equal(code, 0, stderr);
    const { joined, ...started } = JSON.parse(stdout);
    assert.deepEqual([started.job.id, joined], [job.id, false]);
    assert.equal(await stoppedInJob(laptop(), 'lost'), 'shutdown');
    await untilNoJob(cluster);
  });

  test('a page whose job has ended says so, and the scheduler is not asked for it any more', async () => {
    const { url, job } = await startedInJob(laptop(), 'over');
    cluster.on('front', `scancel ${job.id}`);
    await untilNoJob(cluster);
    const isOver = async (timeoutMs: number) => {
      const page = await textOf(`${url}tree`, AbortSignal.timeout(timeoutMs));
      return page.includes('<h1>This server on loopback has ended</h1>');
    };
    await eventually('the page shows it', () => isOver(5000));
    // An sshd of the node may have let the keeper in meanwhile.
    assert.ok(await isOver(60_000));
    const asked = () => cluster.on('front', 'ps -A -o args | grep -c "[s]run --quiet" || :').trim();
    await eventually('the scheduler is not asked any more', () => asked() === '0');
    const { code, jupyter, tunnel } = await statusInJob(laptop(), 'over');
    assert.deepEqual([code, jupyter.state], [3, 'stopped']);
    assert.match(jupyter.reason, /^the job \d+ was cancelled/);
    assert.doesNotMatch(String(tunnel.reason), /relay\.py|srun/);
    // A start at the same address makes the page work again.
    const again = await run('start', 'over', '--no-browser', '--json');
    assert.equal(JSON.parse(again.stdout).url, url, again.stderr);
    assert.equal((await fetch(`${url}api`)).status, 200);
    assert.equal(await stoppedInJob(laptop(), 'over'), 'shutdown');
    await untilNoJob(cluster);
  });

  test('--no-wait submits a job and returns; a later start connects to its server', async () => {
    const free = await occupy(cluster);
    const { code, stdout, stderr } = await run(...(await jobOptions('later')), '--no-wait', '--json');
    assert.equal(code, 0, stderr);
    const submitted = JSON.parse(stdout);
    assert.deepEqual([submitted.jupyter.state, submitted.job.state], ['queued', 'queued']);
    const again = await run(...(await jobOptions('later')), '--no-wait');
    assert.match(again.stderr, new RegExp(`later.* is in the queue \\(job ${submitted.job.id}`));
    free();
    const { job, joined } = await startedInJob(laptop(), 'later');
    assert.deepEqual([job.id, joined], [submitted.job.id, true]);
    assert.equal(await stoppedInJob(laptop(), 'later'), 'shutdown');
    await untilNoJob(cluster);
  });

  test('--no-wait without a batch job is refused, before anything is started', async () => {
    const { code, stderr } = await run('start', 'loopback', '{F}', '--name', 'direct', '--no-wait');
    assert.equal(code, 2);
    assert.match(stderr, /--no-wait applies only to a server in a batch job\nAdd --launcher/);
  });

  test('--queue-timeout cancels a job that has not started in time', async () => {
    const free = await occupy(cluster);
    const { code, stderr } = await run(...(await jobOptions('timely')), '--queue-timeout', '1m');
    free();
    assert.equal(code, 1);
    assert.match(stderr, /did not start on loopback within 1 min, and was cancelled/);
    await untilNoJob(cluster);
    assert.deepEqual(JSON.parse((await run('status', '--json')).stdout).servers, []);
  });

  test('--dry-run prints the command and the script of a job, which submit the same by hand', async () => {
    const { code, stdout } = await run(...(await jobOptions('dry')), '--time', '20m', '--dry-run');
    assert.equal(code, 0);
    assert.match(stdout, /sbatch --parsable --job-name=remote-notebook-dry .*--time=20 /);
    assert.deepEqual(jobsOn(cluster), []);
  });

  test('a further port that is forwarded leads to the node of the job', async () => {
    const { job } = await startedInJob(laptop(), 'ports');
    const folder = join(cluster.user.home, 'shown');
    mkdirSync(folder);
    writeFileSync(join(folder, 'on-the-node'), 'yes');
    chownSync(folder, cluster.user.uid, cluster.user.gid);
    const command = `cd "$HOME/shown" && exec python3 -m http.server --bind 127.0.0.1 6006 >/dev/null 2>&1`;
    cluster.on(
      'front',
      `nohup srun --overlap --jobid=${job.id} sh -c '${command}' >/dev/null 2>&1 </dev/null &`,
      cluster.user,
    );
    const [, port] = await ownLocalPort();
    const { code, stderr } = await run('forward', 'ports', `${port}:localhost:6006`);
    assert.equal(code, 0, stderr);
    const page = () => textOf(`http://127.0.0.1:${port}/on-the-node`, AbortSignal.timeout(10_000));
    await eventually('the page of the node is there', async () => (await page()) === 'yes');
    assert.equal(await stoppedInJob(laptop(), 'ports'), 'shutdown');
    await untilNoJob(cluster);
  });
});
