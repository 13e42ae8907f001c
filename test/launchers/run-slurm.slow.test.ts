import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { RunStatus } from '../../src/model/run.ts';
import { notebookOf } from '../hosts/driver.ts';
import { runsInJobs } from '../hosts/job-runs.ts';
import { keeperOf } from '../hosts/keeper.ts';
import {
  fed,
  json,
  LONG,
  printedIn,
  readNotebook,
  runOf,
  runsOf,
  runsOn,
  untilPrinted,
} from '../hosts/runs.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { NO_ADOPT, NO_CLUSTER } from '../hosts/slurm/cluster.ts';
import { clusterPerSuite, jobsOn, occupy, untilNoJob, whileSlow } from '../hosts/slurm/jobs.ts';
import { CTRL_D, openTerminal } from '../hosts/terminal.ts';
import { eventually, PROGRAM } from '../hosts/world.ts';
import { DEAF, DEATHS, OUTPUTS } from '../runs/dozen.ts';

/** Notebooks that are executed in batch jobs of a real Slurm. */
describe('a notebook in a job of Slurm', { skip: NO_CLUSTER }, () => {
  const cluster = clusterPerSuite();

  const laptop = () => cluster.world.laptop;

  const { words, submitted, begun, until, fetched } = runsInJobs('slurm', cluster);

  /** The processes of the user on the nodes that belong to runs. */
  function driversOn(node: 'oak' | 'elm'): string {
    return cluster.on(node, `pgrep -u ${cluster.user.name} -f 'driver\\.py|ipykernel' || :`).trim();
  }

  /** A cell that shows how it was interrupted. */
  const GENTLE = `import time
print("begun", flush=True)
try:
    time.sleep(1000)
except KeyboardInterrupt:
    print("the model is saved")
    raise`;

  test('waits in the queue, is executed on a node, and comes home at the end of --wait', async () => {
    const free = await occupy(cluster);
    const waiting = laptop().start(
      ...words(
        'whole',
        ['print("one")', 'import os; print(os.uname().nodename)'],
        '--time',
        '20m',
        '--cpus',
        '2',
        '--wait',
      ),
    );
    await waiting.saw('waits for free nodes');
    const queued = await runOf(laptop(), 'whole-1');
    assert.ok(queued?.job);
    assert.deepEqual([queued.state, queued.job.state, queued.job.reason], ['queued', 'queued', 'Resources']);
    assert.match(queued.why ?? '', /^job \d+ waits for free nodes/);
    assert.match(
      cluster.on('front', `scontrol show job ${queued.job.id}`),
      /TimeLimit=00:20:00[\s\S]*CPUs\/Task=2/,
    );
    // Another laptop sees it, too.
    const other = cluster.world.anotherLaptop();
    const table = await other.run('runs', 'loopback', '{F}');
    assert.match(table.stdout, /whole-1 +queued \(Resources.*\) +- /, table.stderr);
    assert.match((await other.run('status', 'whole-1')).stdout, /job \d+ waits for free nodes/);
    const logs = await laptop().run('logs', 'whole-1');
    assert.deepEqual([logs.code, logs.stdout.trim()], [0, ''], logs.stderr);
    const early = await laptop().run('fetch', 'whole-1');
    assert.match(early.stderr, /the run "whole-1" on loopback has no notebook yet/);
    const { stdout: cleaned } = await laptop().run('clean', '--runs', '--yes', '--json');
    assert.deepEqual(JSON.parse(cleaned).leftovers, []);

    free();
    const { code, stdout, stderr } = await waiting.ended;
    assert.equal(code, 0, stderr);
    const [, node] =
      /^--- cell 1 of 2: print\("one"\)\none\n--- cell 2 of 2: .*\n(oak|elm)\n$/.exec(stdout) ?? [];
    assert.ok(node, stdout);
    assert.match(stderr, /whole-1: done, 2 of 2 cells \(100 %\)\. Its notebook is in .*whole\.out\.ipynb/);
    const done = await until('whole-1', 'done');
    assert.deepEqual([done.node, done.exit, done.why], [node, 0, null]);
    assert.equal(await fetched('whole-1'), `one\n${node}\n`);
    await untilNoJob(cluster);
  });

  test('is submitted without waiting for it, and `logs -f` follows it to its end', async () => {
    const cells = ['import time; time.sleep(3)', 'print("the end")'];
    // Otherwise, its driver could begin before the scheduler has answered the command.
    const run = await submitted('follow', cells, '--job-option=--hold');
    assert.ok(run.job && run.cells === 0, JSON.stringify(run));
    cluster.on('front', `scontrol release ${run.job.id}`);
    const { code, stdout, stderr } = await laptop().run('logs', run.name, '-f');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /the end\n$/);
    await until(run.name, 'done');
    const { stdout: cleaned } = await laptop().run('clean', '--runs', '--yes');
    assert.match(cleaned, /removed the run follow-1 on loopback \(done\)/);
    assert.equal(existsSync(join(runsOn(cluster.world), run.name)), false);
  });

  test('is cancelled by `stop` while it waits, and no other job is', async () => {
    const free = await occupy(cluster);
    const [run, other] = await Promise.all([submitted('queued', ['1']), submitted('other', ['1'])]);
    const stopped = await json<RunStatus & { outcome: string }>(laptop(), 'stop', run.name);
    assert.deepEqual([stopped.outcome, stopped.state, stopped.done], ['cancelled', 'cancelled', 0]);
    assert.equal(jobsOn(cluster).includes(run.job?.id ?? ''), false);
    assert.equal(jobsOn(cluster).includes(other.job?.id ?? ''), true);
    assert.equal((await runOf(laptop(), other.name))?.state, 'queued');
    free();
    await until(other.name, 'done');
    assert.equal((await runOf(laptop(), run.name))?.state, 'cancelled');
  });

  test('is cancelled by `stop` from another laptop in the middle of a cell, which can save its work', async () => {
    const run = await begun('gentle', ['print("first")', GENTLE]);
    const running = await until(run.name, 'running');
    assert.match(running.node, /^(oak|elm)$/);
    assert.deepEqual([running.job?.state, running.done, running.cell?.number], ['running', 1, 2]);
    const other = cluster.world.anotherLaptop();
    const { stdout } = await other.run('runs', 'loopback', '{F}');
    assert.match(stdout, new RegExp(`gentle-1 +running on ${running.node}, \\d+ min left +1 of 2`));
    // A notebook that is half-finished comes home as it was when it was last saved.
    assert.match('first\nbegun\n', new RegExp(`^${await fetched(run.name)}`));
    const stopped = await json<RunStatus & { outcome: string }>(other, 'stop', run.name);
    assert.deepEqual([stopped.outcome, stopped.state, stopped.done], ['cancelled', 'cancelled', 1]);
    assert.deepEqual(jobsOn(cluster), []);
    assert.equal(await fetched(run.name), 'first\nbegun\nthe model is saved\n');
    assert.equal(driversOn('oak') + driversOn('elm'), '');
    assert.equal((await json<{ outcome: string }>(laptop(), 'stop', run.name)).outcome, 'gone');
  });

  test('keeps what it has computed when its job is cancelled by hand, and says so', async () => {
    const waiting = laptop().start(...words('byhand', [LONG], '--wait'));
    await untilPrinted(cluster.world, 'byhand-1', 'begun\n');
    cluster.on('front', `scancel ${jobsOn(cluster)[0]}`);
    const { code, stderr } = await waiting.ended;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /byhand-1: cancelled[\s\S]*the job \d+ was cancelled/);
    assert.equal(await fetched('byhand-1'), 'begun\n');
    await untilNoJob(cluster);
  });

  test('keeps what it has computed at its time limit, and does not begin after its --queue-timeout', async () => {
    const limited = await begun('limited', [LONG], '--time', '1m');
    const late = await submitted(
      'late',
      ['print("never")'],
      '--queue-timeout',
      '1m',
      '--job-option=--begin=now+75',
    );
    const waiting = laptop().run(
      ...words('timely', ['1'], '--queue-timeout', '1m', '--job-option=--begin=now+600', '--wait'),
    );
    const { job } = await until('timely-1', 'queued', /waits for the time at which it may begin/);
    const { code, stderr } = await waiting;
    assert.equal(code, 1);
    assert.match(stderr, /the job of timely-1 did not start on loopback within 1m, and was cancelled/);
    assert.equal(jobsOn(cluster).includes(job?.id ?? ''), false);
    await until(late.name, 'unfit', /did not start on loopback within 1 min, so it executed nothing/);
    const ended = await until(
      limited.name,
      'job-ended',
      /the job \d+ reached its time limit\. Start it again with a longer --time/,
    );
    assert.equal(ended.cell?.number, 1);
    assert.equal(await fetched(limited.name), 'begun\n');
    // The scheduler forgets its jobs, the run does not.
    assert.match(readFileSync(join(ended.folder, 'over'), 'utf8'), /^TIMEOUT/);
  });

  test('keeps what it has computed when its job gives way to another one', async () => {
    const run = await begun('weak', [LONG], '--partition', 'spare');
    const strong = 'sbatch --parsable --exclusive --nodes=2 --output=/dev/null --wrap="sleep 300"';
    cluster.on('front', strong, cluster.stranger);
    await until(run.name, 'job-ended', /had to give way to a job with a higher priority\. Start it again/);
    assert.equal(await fetched(run.name), 'begun\n');
  });

  test('keeps what it has saved when its node fails', { skip: NO_ADOPT }, async () => {
    const run = await begun('failing', ['print("saved")', 'import time; time.sleep(2)', LONG]);
    const { node } = await until(run.name, 'running');
    cluster.on(node as 'oak', 'ip link set inside down');
    try {
      await until(run.name, 'job-ended', /ended since its node failed\. Start it again/);
      assert.match(await fetched(run.name), /^saved\n/);
    } finally {
      cluster.on(node as 'oak', 'ip link set inside up');
    }
    const state = () => cluster.on('front', `sinfo -h -n ${node} -o %t | head -n 1`).trim();
    await eventually('the node is back', () => state() === 'idle', 120_000, 500);
  });

  test('shows that the memory of its job ran out, and in which cell', { skip: NO_ADOPT }, async () => {
    const source = 'data = [bytes([1]) * 2**20 for _ in range(2000)]';
    const run = await submitted('big', ['print("kept")', source, '3'], '--memory', '400M');
    const ended = await until(run.name, 'kernel-died', /killed by SIGKILL because memory ran out/);
    assert.equal(ended.cell?.number, 2);
    assert.equal(await fetched(run.name), 'kept\n');
  });

  test('says in words what has kept its job from beginning', async () => {
    const { code, stderr } = await laptop().run(...words('lost', ['1'], '-e', 'nowhere', '--wait'));
    assert.equal(code, 1);
    assert.match(stderr, /lost-1: unfit[\s\S]*the environment ".*nowhere" does not exist on loopback/);
    const refused = await laptop().run(...words('refused', ['1'], '--partition', 'nope'));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /refused the job: [\s\S]*\nChoose another --partition/);
    assert.equal(readdirSync(runsOn(cluster.world)).includes('refused-1'), false);
  });

  test('that can never start ends --wait at once, with what to change, and stays in the queue', async () => {
    const { code, stderr } = await laptop().run(...words('impossible', ['1'], '--time', '2h', '--wait'));
    assert.equal(code, 1);
    assert.match(
      stderr,
      /impossible-1 does not start: job \d+ waits: its time is longer than the partition allows \(PartitionTimeLimit\), so it will not start by itself\. Choose a shorter --time, or another --partition\nIts job stays in the queue\. To cancel it: remote-notebook stop impossible-1\./,
    );
    // The first reason of a new job may be another one.
    assert.doesNotMatch(stderr, /^ *! .*will not start by itself/m);
    assert.equal((await runOf(laptop(), 'impossible-1'))?.state, 'queued');
    assert.equal(jobsOn(cluster).length, 1);
  });

  test('is waited for in the queue although its connection is lost there', async () => {
    const free = await occupy(cluster);
    const waiting = laptop().start(...words('cut', ['print("whole")'], '--wait'));
    await waiting.saw('waits for free nodes');
    signalQuietly(keeperOf(laptop()).ssh?.pid ?? 0, 'SIGKILL');
    await waiting.saw('the connection to loopback was lost, the run continues');
    free();
    const { code, stdout, stderr } = await waiting.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^--- cell 1 of 1: print\("whole"\)\nwhole\n$/);
  });

  test('is executed to its end after --queue-timeout if it has begun in time', async () => {
    const cells = ['import time; time.sleep(65)'];
    const { code, stderr } = await laptop().run(...words('prompt', cells, '--queue-timeout', '1m', '--wait'));
    assert.equal(code, 0, stderr);
  });

  test('begins again from its first cell if its user lets the scheduler requeue its job', async () => {
    const wait =
      'import os, time\nprint("begun", flush=True)\nwhile not os.path.exists("go2"): time.sleep(0.1)';
    // The second time, it begins after that limit.
    const inTime = ['--queue-timeout', '1m'];
    const run = await begun('again', ['print("first")', wait], '--job-option=--requeue', ...inTime);
    const following = laptop().start('logs', run.name, '-f');
    await following.saw('begun', 'stdout');
    cluster.on('front', `scontrol requeue ${run.job?.id}`, cluster.user);
    assert.equal((await until(run.name, 'queued')).exit, null);
    const log = join(run.folder, 'text');
    await eventually('it begins again', () => /begun[\s\S]*begun/.test(readFileSync(log, 'utf8')), 240_000);
    cluster.on('front', 'touch go2', cluster.user);
    const done = await until(run.name, 'done');
    assert.deepEqual([done.done, done.job?.id], [2, run.job?.id]);
    assert.equal(await fetched(run.name), 'first\nbegun\n');
    // What follows it has waited, too.
    const { code, stdout } = await following.ended;
    assert.equal(code, 0);
    assert.match(stdout, /first[\s\S]*begun[\s\S]*first[\s\S]*begun/);
  });

  test('keeps the kernel of a run that fails, in which `console` executes code on the node', async () => {
    const run = await submitted('kept', ['secret = 6 * 7', '1/0'], '--keep-kernel', '10m');
    const failed = await until(run.name, 'failed');
    assert.ok(failed.kept, JSON.stringify(failed));
    const { stdout, stderr } = await fed(
      laptop(),
      'import os; print(secret, os.uname().nodename)\n',
      'console',
      run.name,
    );
    assert.equal(stdout, `42 ${failed.node}\n`, stderr);
    const window = openTerminal([...PROGRAM, 'console', run.name], laptop().env);
    try {
      await window.saw('>>> ');
      window.type('secret * 1000\r');
      // A Ctrl-D that is typed before the prompt can be lost.
      await eventually('the next prompt is there', () => /42000\s+>>> /.test(window.shown()));
      window.type(CTRL_D);
      assert.equal(await window.ended, 0);
    } finally {
      await window.close();
    }
    const stopped = await json<{ outcome: string; state: string }>(laptop(), 'stop', run.name);
    assert.deepEqual([stopped.outcome, stopped.state], ['released', 'failed']);
    assert.deepEqual(jobsOn(cluster), []);
  });

  test('of the host is executed in its own folder, and --dry-run only prints how its job is submitted', async () => {
    const folder = join(cluster.user.home, "exp it's");
    const make = `mkdir -p "$HOME/exp it's"; echo data >"$HOME/exp it's/data.txt"; cat >"$HOME/exp it's/a.ipynb" <<'END'\n${JSON.stringify(notebookOf('print(open("data.txt").read())'))}\nEND\n`;
    cluster.on('front', make, cluster.user);
    assert.ok(existsSync(folder));
    const at = ["loopback:exp it's/a.ipynb", '{F}', '--launcher', 'slurm', '--gpus', '1'];
    const dry = await laptop().run('run', ...at, '--dry-run');
    assert.match(dry.stdout, /\nslurm_forget; sbatch --parsable --job-name=remote-notebook-a .*--gres=gpu:1/);
    assert.deepEqual(jobsOn(cluster), []);
    const { code, stdout, stderr } = await laptop().run(
      'run',
      ...at,
      '--wait',
      '--output',
      join(String(laptop().env.HOME), 'x.ipynb'),
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\ndata\n/);
  });

  test('continues while its scheduler does not answer, which is shown until the run has ended', async () => {
    const wait =
      'import os, time\nprint("begun", flush=True)\nwhile not os.path.exists("go"): time.sleep(0.1)';
    const run = await begun('hung', [wait]);
    const controller = cluster.on('front', 'pgrep -x slurmctld').trim();
    cluster.on('front', `kill -STOP ${controller}`);
    try {
      const [{ code, stderr }] = await Promise.all([
        laptop().run('stop', run.name),
        until(run.name, 'unknown', /^Slurm on loopback does not answer/),
      ]);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /the scheduler on loopback does not answer.*\nIts jobs keep running\. Try again later/,
      );
      cluster.on('front', 'touch go', cluster.user);
      await until(run.name, 'done');
      assert.equal(await fetched(run.name), 'begun\n');
    } finally {
      cluster.on('front', `kill -CONT ${controller}`);
    }
    await untilNoJob(cluster);
  });

  test('has the outputs and the ends that it has on a host without jobs', async () => {
    const [killed, exited] = DEATHS;
    const submissions = await Promise.all([
      submitted('deaf', [DEAF]),
      submitted('outputs', OUTPUTS),
      submitted('raising', ['print(n)', '1/0', 'print("never")'], '--parameter', 'n=5'),
      submitted('killed', ['print("kept")', killed[0], '3']),
      submitted('exited', ['print("kept")', exited[0], '3']),
    ]);
    const [deaf, ...others] = submissions;
    await untilPrinted(cluster.world, deaf.name, 'deaf\n');
    await json(laptop(), 'stop', deaf.name);
    const haveEnded = () => others.every(({ folder }) => existsSync(join(folder, 'status')));
    await eventually('all have ended', haveEnded, 240_000);
    const runs = await runsOf(laptop());
    const ends = submissions.map(({ name }) => {
      const run = runs.find((each) => each.name === name);
      assert.ok(run);
      const printed = printedIn(readNotebook(join(run.folder, 'output.ipynb')));
      return [run.state, run.done, run.error?.name ?? run.why, printed] as const;
    });
    const [deafEnd, outputsEnd, ...otherEnds] = ends;
    assert.deepEqual(deafEnd, ['cancelled', 0, null, 'deaf\n']);
    assert.deepEqual(otherEnds, [
      ['failed', 2, 'ZeroDivisionError', '5\n'],
      ['kernel-died', 1, killed[1], 'kept\n'],
      ['kernel-died', 1, exited[1], 'kept\n'],
    ]);
    const [state, done, , printed = ''] = outputsEnd ?? [];
    assert.deepEqual([state, done], ['done', 5]);
    const lines = Array.from({ length: 5_000 }, (_, n) => `${n}\n`).join('');
    assert.ok(printed.startsWith(`100%${lines}`), printed.slice(0, 200));
    assert.match(printed.slice(lines.length), /late output\n/);
  });

  test('that has ended can be stopped and removed without a touch to a later job with the ID of its own', async () => {
    const run = await submitted('ended', ['1']);
    await until(run.name, 'done');
    await untilNoJob(cluster);
    const other = await submitted('other', ['1'], '--job-option=--hold');
    const record = join(run.folder, 'record');
    const text = readFileSync(record, 'utf8');
    writeFileSync(record, text.replace(`job slurm ${run.job?.id}`, `job slurm ${other.job?.id}`));
    assert.equal((await json<RunStatus>(laptop(), 'stop', run.name)).state, 'done');
    const { code, stderr } = await laptop().run('clean', '--runs', '--yes');
    assert.equal(code, 0, stderr);
    assert.equal(existsSync(run.folder), false);
    assert.deepEqual(jobsOn(cluster), [other.job?.id]);
    await json(laptop(), 'stop', other.name);
  });

  for (const moment of [
    'before the ID of its job is known',
    'when its job has just been put on record',
  ] as const)
    test(`leaves neither a job nor a record at Ctrl-C during its submission, ${moment}`, async () => {
      const folders = () => readdirSync(runsOn(cluster.world)).filter((name) => name.startsWith('interr'));
      await whileSlow(cluster, moment, async (reached, goOn) => {
        // A job that is left would stay in the queue.
        const run = laptop().start(...words('interrupted', ['1'], '--job-option=--hold', '--wait'));
        await reached();
        run.signal('SIGINT');
        goOn();
        assert.equal((await run.ended).code, 130);
        await eventually('nothing is left', () => jobsOn(cluster).length + folders().length === 0);
      });
    });

  test('of another user cannot be cancelled or read', async () => {
    const run = await begun('mine', [LONG]);
    cluster.on('front', `scancel ${run.job?.id} || :`, cluster.stranger);
    assert.throws(() => cluster.on('front', `ls '${run.folder}'`, cluster.stranger));
    assert.equal((await until(run.name, 'running')).state, 'running');
    assert.equal((await json<{ outcome: string }>(laptop(), 'stop', run.name)).outcome, 'cancelled');
  });
});
