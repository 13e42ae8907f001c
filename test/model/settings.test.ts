import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERBS } from '../../src/commands/verbs.ts';
import { readCommandLine } from '../../src/line/command-line.ts';
import { makeSpec, type ServerSpec } from '../../src/model/server-spec.ts';
import {
  optionName,
  SETTING_NAMES,
  scriptVariables,
  settingArgs,
  settingOf,
  unmetSettings,
} from '../../src/model/settings.ts';

/** Each setting with a value that is not the default, difficult where possible. */
const spec = makeSpec('work', {
  destination: 'gpu',
  directory: "-d it's = here",
  setup: ['--setup', 'export Y="$Z"'],
  environment: 'conda:ml',
  command: 'nice jupyter lab',
  port: 1,
  localPort: 65535,
  strictPort: true,
  idleTimeout: '90m',
  launcher: 'slurm',
  time: '36h',
  cpus: 4,
  memory: '16G',
  gpus: 'a100:2',
  partition: 'gpu-long',
  account: 'lab',
  jobOption: ['--constraint=fast&big', '--qos=high'],
  exposeOnClusterNetwork: true,
  queueTimeout: '2d',
  sshConfig: '/ssh config',
});
const plain = makeSpec('work', { destination: 'gpu' });

test('the values in this file differ from the defaults, for every setting', () => {
  for (const name of SETTING_NAMES) assert.notDeepEqual(spec[name], settingOf(name).default, name);
});

test('the options in an alias make the same server, and defaults need no options', async () => {
  const line = await readCommandLine(['start', 'gpu', ...settingArgs(spec)], VERBS);
  assert.deepEqual(makeSpec('work', { ...line?.args, destination: 'gpu' }), spec);
  assert.deepEqual(settingArgs(plain), []);
});

test("the host's scripts get the settings for the host: as seconds, lines, yes, or empty", () => {
  assert.deepEqual(scriptVariables(spec), {
    directory: "-d it's = here",
    setup: '--setup\nexport Y="$Z"',
    environment: 'conda:ml',
    command: 'nice jupyter lab',
    port: '1',
    strict_port: 'yes',
    idle_timeout: '5400',
    queue_timeout: '172800',
  });
  assert.deepEqual(
    Object.entries(scriptVariables(plain)).filter(([, value]) => value !== ''),
    [],
  );
});

test('a requested setting that differs from the running server is unmet, except those that only affect a start', () => {
  for (const side of ['host', 'here'] as const) {
    const sides = side === 'host' ? ['host', 'job'] : [side];
    const names = SETTING_NAMES.filter((name) => sides.includes(settingOf(name).side));
    assert.deepEqual(unmetSettings(spec, plain, side), names.map(optionName));
    assert.deepEqual(unmetSettings(spec, spec, side), []);
    assert.deepEqual(unmetSettings(plain, spec, side), []);
  }
});

test('a size of memory is the same in both cases of its unit, and a number of GPUs may be a number', () => {
  const job = { destination: 'gpu', launcher: 'slurm' } as const;
  assert.deepEqual(makeSpec('work', { ...job, memory: '16g' }), makeSpec('work', { ...job, memory: '16G' }));
  assert.equal(makeSpec('work', { ...job, gpus: 2 as unknown as string }).gpus, '2');
});

test('a setting of a job that is not valid, or without a launcher, is an error that says what to write', () => {
  const job = (settings: object) => () =>
    makeSpec('work', { destination: 'gpu', launcher: 'slurm', ...settings });
  assert.throws(job({ launcher: 'pbs' }), /which is not a launcher/);
  assert.throws(job({ time: '4 hours' }), /which is not a duration/);
  assert.throws(job({ cpus: 1.5 }), /--cpus is 1.5, which is not a whole number/);
  assert.throws(job({ memory: '16' }), /--memory is "16", which is not a size/);
  assert.throws(job({ gpus: '0' }), /--gpus is "0"/);
  assert.throws(job({ partition: '-x y' }), /--partition is "-x y", which is not a name/);
  for (const settings of [{ time: '4h' }, { cpus: 2 }, { jobOption: ['--qos=x'] }, { queueTimeout: '4h' }])
    assert.throws(job({ launcher: 'direct', ...settings }), /applies only to a server in a batch job/);
});

test('equal durations are the same, however they are written', () => {
  const idle = (idleTimeout: string): ServerSpec => makeSpec('work', { destination: 'gpu', idleTimeout });
  assert.deepEqual(idle('120m'), idle('2h'));
  assert.deepEqual(idle('48h'), idle('2d'));
});
