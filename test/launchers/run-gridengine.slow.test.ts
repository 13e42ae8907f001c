import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RunStatus } from '../../src/model/run.ts';
import { NO_GRIDENGINE } from '../hosts/gridengine/host.ts';
import { gridEnginePerSuite, jobsOn } from '../hosts/gridengine/jobs.ts';
import { runsInJobs } from '../hosts/job-runs.ts';
import { json, LONG, runOf } from '../hosts/runs.ts';
import { eventually } from '../hosts/world.ts';

/** Notebooks that are executed in batch jobs of a real Grid Engine of one host. */
describe('a notebook in a job of Grid Engine', { skip: NO_GRIDENGINE }, () => {
  const host = gridEnginePerSuite();

  const laptop = () => host.world.laptop;

  const { words, begun, until, fetched } = runsInJobs('gridengine', host);

  /** The drivers and the kernels of the user. */
  const left = () => host.on(`pgrep -u ${host.user.name} -f 'driver\\.py|ipykernel' || :`).trim();

  test('waits for slots, is executed, and comes home at the end of --wait', async () => {
    const id = host.on(`echo 'sleep 600' | qsub -terse -pe smp 2 -o /dev/null -j y`, host.stranger).trim();
    await eventually('the slots are taken', () => / r /.test(host.on("qstat -u '*'")));
    const waiting = laptop().start(
      ...words('whole', ['print("one")', 'print("two")'], '--time', '20m', '--wait'),
    );
    await waiting.saw('waits for free nodes');
    assert.equal((await runOf(laptop(), 'whole-1'))?.state, 'queued');
    host.on(`qdel ${id}`);
    const { code, stdout, stderr } = await waiting.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /one\n--- cell 2 of 2: print\("two"\)\ntwo\n$/);
    assert.equal((await runOf(laptop(), 'whole-1'))?.node, 'gem');
  });

  test('is cancelled by `stop` in the middle of a cell, or while it waits', async () => {
    const run = await begun('long', ['print("first")', LONG]);
    const queued = await json<RunStatus>(laptop(), ...words('held', ['1'], '--job-option=-h'));
    assert.match((await until(queued.name, 'queued')).why ?? '', /it is held \(hqw\), so it will not start/);
    const held = await json<{ outcome: string; state: string }>(laptop(), 'stop', queued.name);
    assert.deepEqual([held.outcome, held.state], ['cancelled', 'cancelled']);
    assert.deepEqual(jobsOn(host), [run.job?.id]);
    const stopped = await json<RunStatus & { outcome: string }>(laptop(), 'stop', run.name);
    assert.deepEqual([stopped.outcome, stopped.state, stopped.done], ['cancelled', 'cancelled', 1]);
    assert.equal(await fetched(run.name), 'first\nbegun\n');
    assert.deepEqual([jobsOn(host), left()], [[], '']);
  });

  test('keeps what it has computed when its job is cancelled by hand, and at its time limit', async () => {
    const limited = await begun('limited', [LONG], '--time', '1m');
    const run = await begun('byhand', [LONG]);
    host.on(`qdel ${run.job?.id}`, host.user);
    await until(run.name, 'cancelled', /was ended by a signal, for example since it was cancelled/);
    assert.equal(await fetched(run.name), 'begun\n');
    await until(limited.name, 'job-ended', /reached its limit of time or memory/);
    assert.equal(await fetched(limited.name), 'begun\n');
    await eventually('no process is left', () => left() === '');
  });
});
