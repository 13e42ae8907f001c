import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { dialogueIn } from '../hosts/first-time.ts';
import { NO_CLUSTER } from '../hosts/slurm/cluster.ts';
import { clusterPerSuite, untilNoJob } from '../hosts/slurm/jobs.ts';
import { ownLocalPort } from '../hosts/sshd.ts';
import { ENTER, openTerminal } from '../hosts/terminal.ts';
import { PROGRAM } from '../hosts/world.ts';

/** What a user learns about a cluster before the first job: from init, doctor, Tab, and the jobs in config.yaml. */
describe('the site of a cluster', { skip: NO_CLUSTER }, () => {
  const cluster = clusterPerSuite();

  const run = (...args: string[]) => cluster.world.laptop.run(...args);

  function configure(text: string): void {
    const { configurationFile } = cluster.world.laptop;
    mkdirSync(dirname(configurationFile), { recursive: true });
    writeFileSync(configurationFile, text);
  }

  async function checks(...options: string[]) {
    const { stdout, stderr } = await run(
      'doctor',
      'loopback',
      '{F}',
      '--launcher',
      'slurm',
      '--json',
      ...options,
    );
    assert.notEqual(stdout, '', stderr);
    const found: { name: string; verdict: string; found: string; fix?: string }[] = JSON.parse(stdout).checks;
    return (name: string) => {
      const check = found.find((each) => each.name === name);
      return `${check?.verdict}: ${check?.found} → ${check?.fix}`;
    };
  }

  test('doctor shows whether the scheduler responds, what the partition allows, and that it would accept the job', async () => {
    const right = await checks('--time', '20m');
    assert.match(right('scheduler'), /^ok: Slurm responds, with 5 partitions for you/);
    assert.match(right('partition'), /^ok: day: up to 30 min, 2 of 2 nodes free, 2 CPUs, 4 GB, gpu:1/);
    assert.match(right('resources'), /^ok: Slurm would accept the job: .*to start at/);
    assert.match(right('environment'), /^unchecked: .*only the node of the job has it/);
    assert.match(right('server'), /^ok: not started yet/);

    const long = await checks('--time', '4h');
    assert.match(long('partition'), /^failed: day: .*but --time is 4h → Choose at most --time 30 min/);
    const closed = await checks('--partition', 'shut');
    assert.match(closed('partition'), /^warning: shut: .*closed at the moment/);
    const unknown = await checks('--partition', 'nowhere');
    assert.match(
      unknown('partition'),
      /^failed: there is no partition "nowhere" for you → Choose one of: day, week/,
    );
    assert.match(
      unknown('resources'),
      /^failed: Slurm would refuse the job: .*invalid partition.* → Choose another --partition/,
    );
    const large = await checks('--memory', '90G');
    assert.match(large('resources'), /^failed: .* → .*--memory/);
    assert.equal(cluster.on('front', 'squeue --noheader'), '');
  });

  test('doctor says which scheduler a host has instead of the one that is named', async () => {
    const { stdout } = await run('doctor', 'loopback', '{F}', '--launcher', 'gridengine', '--json');
    const { found, fix } = JSON.parse(stdout).checks.find(
      ({ name }: { name: string }) => name === 'scheduler',
    );
    assert.match(found, /Grid Engine does not respond|the commands of gridengine were not found on loopback/);
    assert.match(fix, /It has Slurm: --launcher slurm/);
  });

  test('Tab offers the partitions that the cluster has listed', async () => {
    await checks();
    const { stdout } = await run('completion', '--words', 'start', 'loopback', '--partition', '');
    assert.match(stdout, /^day\ton loopback$/m);
    assert.match(stdout, /^week\ton loopback$/m);
  });

  test('a job in config.yaml gives a server its resources, and options override them', async () => {
    configure(`jobs:
  short: { launcher: slurm, time: 20m, memory: 600M, partition: day }
  long: { launcher: slurm, time: 2d, partition: week }
servers:
  work: { destination: loopback, ssh-config: ${cluster.world.sshd.sshConfig}, job: short }
`);
    const line = async (...options: string[]) => {
      const { code, stdout, stderr } = await run('start', 'work', '--dry-run', ...options);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    assert.match(await line(), / --time=20 --mem=600M --partition=day /);
    assert.match(await line('--time', '10m'), / --time=10 --mem=600M --partition=day /);
    assert.match(await line('--job', 'long'), / --no-requeue .* --time=2880 --partition=week /s);
    assert.doesNotMatch(await line('--job', 'long'), /--mem=/);
    const { code, stderr } = await run('start', 'work', '--job', 'none');
    assert.equal(code, 2);
    assert.match(stderr, /"none" is not one of the jobs\nThe jobs in config.yaml are: short, long/);

    const started = await run('start', 'work', '--no-browser', '--json', ...(await ownLocalPort()));
    assert.equal(started.code, 0, started.stderr);
    const { job } = JSON.parse(started.stdout);
    assert.deepEqual(
      [job.resources.time, job.resources.memory, job.resources.partition],
      ['20m', '600M', 'day'],
    );
    assert.match(cluster.on('front', `scontrol show job ${job.id}`), /TimeLimit=00:20:00/);
    assert.equal((await run('stop', 'work')).code, 0);
    await untilNoJob(cluster);
  });

  test('init finds the scheduler, lists its partitions, and saves a server that works in a job', async () => {
    configure('');
    const { laptop, sshd } = cluster.world;
    const window = openTerminal(
      [...PROGRAM, 'init', 'loopback', '-F', sshd.sshConfig, '--no-browser', ...(await ownLocalPort())],
      laptop.env,
    );
    const dialogue = dialogueIn(window);
    try {
      await dialogue.says('The host has the batch scheduler Slurm.');
      await dialogue.answer('Run Jupyter in a job of Slurm? [Y/n]', ENTER);
      await dialogue.says('day');
      await dialogue.says('up to 30 min, 2 of 2 nodes free');
      await dialogue.says('week');
      await dialogue.answer('Partition: [day]', `theirs${ENTER}`);
      await dialogue.says('there is no partition "theirs" for you');
      await dialogue.answer('Partition: [day]', ENTER);
      await dialogue.answer('How long may the job run', `4h${ENTER}`);
      await dialogue.answer('How many CPUs?', `many${ENTER}`);
      await dialogue.says('is not a number');
      await dialogue.answer('How many CPUs?', `1${ENTER}`);
      await dialogue.answer('How much memory', `600M${ENTER}`);
      await dialogue.answer('How many GPUs?', ENTER);
      await dialogue.answer('Directory on loopback:', ENTER);
      await dialogue.answer('Environment', ENTER);
      await dialogue.answer('A name for this server:', `lab${ENTER}`);
      // The partition allows half an hour.
      await dialogue.says('its time is longer than the partition allows');
      await dialogue.says('was cancelled');
      await dialogue.answer('What now? [job]', ENTER);
      await dialogue.answer('Run Jupyter in a job of Slurm? [Y/n]', ENTER);
      await dialogue.answer('Partition: [day]', ENTER);
      await dialogue.answer('How long may the job run', `20m${ENTER}`);
      await dialogue.answer('How many CPUs?', ENTER);
      await dialogue.answer('How much memory', `600M${ENTER}`);
      await dialogue.answer('How many GPUs?', ENTER);
      await dialogue.says('lab works: ');
      await dialogue.answer('Leave it running? [Y/n]', `n${ENTER}`);
      await dialogue.answer('Install aliases', ENTER);
      assert.equal(await dialogue.ended(), 0, dialogue.shown());
    } finally {
      await window.close();
    }
    const { lab } = parse(readFileSync(laptop.configurationFile, 'utf8')).servers;
    assert.deepEqual(
      [lab.launcher, lab.partition, lab.time, lab.memory, lab.cpus],
      ['slurm', 'day', '20m', '600M', undefined],
    );
    await untilNoJob(cluster);
  });
});
