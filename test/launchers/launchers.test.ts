import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HopelessWait } from '../../src/host/jobs/hopeless.ts';
import { launcherOf, SCHEDULERS, schedulerNamed } from '../../src/launchers/launchers.ts';
import { makeSpec, type ServerEntry } from '../../src/model/server-spec.ts';
import { LAUNCHERS } from '../../src/model/setting-values.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const WORDS =
  /\b(sbatch|srun|squeue|salloc|scancel|scontrol|sinfo|sacct\w*|slurm\w*|qsub|qstat|qdel|qconf|qrsh|gridengine|sge\w*|grid engine)\b/i;

test('only the launchers and the table of settings know the words of a scheduler', () => {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const isAllowed = (name: string) =>
    /^(launchers\/|host\/sh\/launchers\/|model\/setting(s|-values)\.ts$)/.test(name);
  const others = names.filter((name) => /\.(ts|sh|py|bash|zsh|fish)$/.test(name) && !isAllowed(name));
  assert.ok(others.length > 100);
  const found = others.flatMap((name) => {
    const lines = readFileSync(join(root, 'src', name), 'utf8').split('\n');
    // An example of the help names a launcher as a user does.
    return lines
      .filter((line) => WORDS.test(line) && !/'\$0 (start|run) /.test(line))
      .map((line) => `${name}: ${line.trim()}`);
  });
  assert.deepEqual(found, []);
});

test('every launcher but direct is a scheduler, and a name from elsewhere is none', () => {
  assert.deepEqual(['direct', ...Object.keys(SCHEDULERS)], [...LAUNCHERS]);
  for (const name of ['direct', 'toString', '__proto__', '']) assert.equal(schedulerNamed(name), undefined);
});

const JOB = {
  destination: 'cluster',
  time: '4h',
  cpus: 4,
  memory: '16G',
  gpus: 'a100:2',
  partition: 'gpu',
  account: 'lab',
} as const;

function submitLine(entry: Partial<ServerEntry>): string {
  const spec = makeSpec('work', { destination: 'cluster', ...entry });
  return launcherOf(spec)?.submitLine(spec) ?? '';
}

test('the same settings become the options of each scheduler', () => {
  const slurm = submitLine({ ...JOB, launcher: 'slurm' });
  assert.match(
    slurm,
    / --time=240 --cpus-per-task=4 --mem=16G --gres=gpu:a100:2 --partition=gpu --account=lab /,
  );
  const gridengine = submitLine({ ...JOB, launcher: 'gridengine' });
  assert.match(gridengine, / -l h_rt=14400 -pe smp 4 -l h_vmem=4G -l gpu=2,gpu_type=a100 -q gpu -P lab /);
});

test('what is not set is left to the cluster', () => {
  assert.doesNotMatch(submitLine({ launcher: 'slurm' }), /--time|--cpus|--mem|--gres|--partition|--account/);
  assert.doesNotMatch(submitLine({ launcher: 'gridengine' }), / -l | -pe | -q | -P /);
});

test('the memory of a job is divided among its slots, and never rounded down', () => {
  assert.match(submitLine({ launcher: 'gridengine', memory: '1G', cpus: 3 }), / h_vmem=349526K /);
});

test('an option for the scheduler reaches it as one word, whatever it contains', () => {
  for (const launcher of ['slurm', 'gridengine'] as const) {
    const line = submitLine({ launcher, jobOption: ["--constraint=a b'c&$(x)", '--qos=high'] });
    assert.ok(line.includes(` '--constraint=a b'\\''c&$(x)' --qos=high `), line);
  }
});

const NOW = Date.parse('2026-03-01T12:00:00Z');

test('what Slurm prints about a job becomes its state, its reason, its node and its times', () => {
  const { status } = SCHEDULERS.slurm;
  const start = NOW / 1000 + 600;
  assert.deepEqual(status(`17|PENDING|Priority|${start}||4:00:00`, NOW), {
    state: 'queued',
    reason: 'Priority',
    node: null,
    expectedStart: NOW + 600_000,
    endsAt: null,
  });
  assert.deepEqual(status('17|RUNNING|None|1772366400|oak|1-02:03:04', NOW), {
    state: 'running',
    reason: 'RUNNING',
    node: 'oak',
    expectedStart: null,
    endsAt: NOW + (26 * 3600 + 3 * 60 + 4) * 1000,
  });
  assert.equal(status('17|RUNNING|None|N/A|oak|UNLIMITED', NOW).endsAt, null);
  assert.equal(status('17|RUNNING|None|N/A|oak|9:58', NOW).endsAt, NOW + 598_000);
  assert.equal(status('17|COMPLETING|None|N/A|oak|0:00', NOW).state, 'ending');
  assert.equal(status('17|CANCELLED by 1000|None|N/A|oak|0:00', NOW).state, 'over');
  assert.equal(status('17|PENDING|None|N/A||0:00', NOW).reason, null);
});

test('what Grid Engine prints about a job becomes its state, its reason and its node', () => {
  const { status } = SCHEDULERS.gridengine;
  const states = {
    qw: 'queued',
    hqw: 'queued',
    Eqw: 'queued',
    r: 'running',
    t: 'running',
    dr: 'ending',
    S: 'running',
  };
  for (const [state, meaning] of Object.entries(states))
    assert.equal(status(`17|${state}||`, NOW).state, meaning, state);
  assert.equal(status('17|r||main.q@oak', NOW).node, 'oak');
  assert.equal(status('17|r||main.q@oak|90', NOW).endsAt, NOW + 90_000);
  assert.equal(status('17|r||main.q@oak|', NOW).endsAt, null);
  assert.equal(status('17|Eqw|cannot enter /x|', NOW).reason, 'Eqw: cannot enter /x');
});

test('a reason that never goes away says what to change, and one that does, does not', () => {
  const { waiting } = SCHEDULERS.slurm;
  const final = [
    'PartitionTimeLimit',
    'PartitionConfig',
    'PartitionDown',
    'JobHeldUser',
    'JobHeldAdmin',
    'DependencyNeverSatisfied',
  ];
  for (const reason of [
    ...final,
    'AssocGrpCPUMinutesLimit',
    'QOSMaxCpuPerUserLimit',
    'AssocMaxJobsLimit',
    'BadConstraints',
  ])
    assert.ok(waiting(reason).isFinal && waiting(reason).remedy, reason);
  for (const reason of [
    'Resources',
    'Priority',
    'BeginTime',
    'Dependency',
    'ReqNodeNotAvail, UnavailableNodes:oak',
    'SomethingNew',
  ])
    assert.equal(waiting(reason).isFinal, false, reason);
  assert.equal(waiting('SomethingNew').text, 'SomethingNew');
});

test('a start is not given up for the first, vague reason of a new job', () => {
  const wait = new HopelessWait();
  const look = (reason: string, seconds: number) =>
    wait.look({ scheduler: 'slurm' }, { state: 'queued', reason }, NOW + 1000 * seconds);
  // When a start asks.
  for (const seconds of [1, 2, 4]) assert.equal(look('PartitionConfig', seconds), 'perhaps');
  assert.equal(look('PartitionTimeLimit', 8), 'perhaps');
  assert.equal(look('PartitionTimeLimit', 16), 'yes');
  assert.equal(look('Resources', 32), 'no');
  assert.equal(look('PartitionTimeLimit', 64.1), 'perhaps');
  assert.equal(look('PartitionTimeLimit', 68), 'yes');
});

test('a partition has its limits and its free nodes, as each scheduler lists them', () => {
  const { partition } = SCHEDULERS.slurm;
  assert.deepEqual(partition('day*|up|2-12:00:00|3/5/0/8|64+|515000+|gpu:a100:4(S:0-1)'), {
    name: 'day',
    isDefault: true,
    isOpen: true,
    maxTimeS: 60 * 3600,
    free: 5,
    total: 8,
    unit: 'nodes',
    node: ['64+ CPUs', '515+ GB', 'gpu:a100:4'],
  });
  const shut = partition('shut|down|infinite|0/2/0/2|2|4000|(null)');
  assert.deepEqual([shut?.isOpen, shut?.maxTimeS, shut?.node], [false, null, ['2 CPUs', '4 GB']]);
  assert.equal(partition('Welcome to the cluster!'), undefined);
  const queue = SCHEDULERS.gridengine.partition;
  assert.deepEqual(
    [queue('main.q|1|2|24:0:0')?.maxTimeS, queue('main.q|1|2|INFINITY')?.maxTimeS],
    [86_400, null],
  );
  assert.equal(queue('main.q|0|0|INFINITY')?.isOpen, false);
  assert.equal(queue('a banner'), undefined);
});

test('the end of a job of Grid Engine is explained by its accounting', () => {
  const { ended } = SCHEDULERS.gridengine;
  assert.match(ended('37 140').text, /limit of time or memory/);
  assert.match(ended('100 137').text, /ended by a signal/);
  assert.equal(ended('0 1').text, 'failed');
  assert.equal(ended('').text, 'has ended');
});
