import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { saveServer } from '../../src/config/file.ts';
import { knownServer, resolveServer } from '../../src/config/resolve.ts';
import { makeSpec, type ServerEntry } from '../../src/model/server-spec.ts';
import { NO_FORWARDS, updateRecords, withRecord } from '../../src/state/records.ts';
import { type Context, quietContext } from '../../src/system/context.ts';
import { UsageError } from '../../src/system/errors.ts';
import { configurationFile } from '../../src/system/paths.ts';
import { makeFolder } from '../hosts/standing.ts';

let folder: string;
let context: Context;
beforeEach(() => {
  folder = makeFolder('rn-resolve-');
  context = quietContext({ HOME: folder });
});

function configure(text: string): void {
  const file = configurationFile(context.env);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Adds the record that a start leaves. */
async function remember(name: string, entry: ServerEntry): Promise<void> {
  const spec = makeSpec(name, { ...entry, sshConfig: '/its/ssh_config' });
  const record = { spec, jupyter: undefined, forwards: NO_FORWARDS };
  await updateRecords(context, (records) => withRecord(records, record));
}

function refusal(message: RegExp, remedy: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, message);
    assert.match(error.remedy ?? '', remedy);
    return true;
  };
}

const TWO = `default: work
servers:
  work: { destination: gpu, directory: rne, port: 9000 }
  play: { destination: me@other }
`;

test('an unknown name is a destination', async () => {
  const spec = await resolveServer('me@gpu', { directory: 'rne', sshConfig: '/dev/null' }, context);
  assert.deepEqual(
    [spec.name, spec.destination, spec.directory, spec.sshConfig],
    ['gpu', 'me@gpu', 'rne', '/dev/null'],
  );
});

test('--name sets another name, so that one destination can have two servers', async () => {
  const spec = await resolveServer('me@gpu', { name: 'second' }, context);
  assert.deepEqual([spec.name, spec.destination], ['second', 'me@gpu']);
});

test('a name in config.yaml selects that server, and options override its settings', async () => {
  configure(TWO);
  const spec = await resolveServer('work', { port: 9999, directory: undefined }, context);
  assert.deepEqual([spec.name, spec.destination, spec.directory, spec.port], ['work', 'gpu', 'rne', 9999]);
});

test('the name of a server that was started without config.yaml selects it with all its settings', async () => {
  await remember('mine', { destination: 'gpu', directory: 'rne', localPort: 7000 });
  const spec = await resolveServer('mine', { environment: 'venv' }, context);
  assert.deepEqual(
    [spec.destination, spec.directory, spec.localPort, spec.environment, spec.sshConfig],
    ['gpu', 'rne', 7000, 'venv', '/its/ssh_config'],
  );
});

test('config.yaml overrides the settings of an earlier start', async () => {
  configure('servers:\n  work: { destination: new }\n');
  await remember('work', { destination: 'old' });
  assert.equal((await resolveServer('work', {}, context)).destination, 'new');
});

test('without a name the default is used', async () => {
  configure(TWO);
  await remember('running', { destination: 'elsewhere' });
  assert.equal((await resolveServer(undefined, {}, context)).name, 'work');
});

test('without a name and a default the only server is used, configured or started', async () => {
  await remember('mine', { destination: 'gpu' });
  assert.equal((await resolveServer(undefined, {}, context)).name, 'mine');
  configure('servers:\n  mine: { destination: gpu }\n');
  assert.equal((await resolveServer(undefined, {}, context)).name, 'mine');
});

test('without any server a short text shows how to begin', async () => {
  const beginning = /^To set up a server: remote-notebook init\. Or: remote-notebook start user@host /;
  await assert.rejects(
    resolveServer(undefined, {}, context),
    refusal(/no server is named, and none is configured/, beginning),
  );
  await assert.rejects(
    knownServer(undefined, undefined, context),
    refusal(/there is no server yet/, beginning),
  );
});

test('stop and similar verbs prefer the only started server to the default', async () => {
  configure(TWO);
  await remember('play', { destination: 'me@other' });
  const { spec, record } = await knownServer(undefined, undefined, context);
  assert.deepEqual([spec.name, record?.spec.name], ['play', 'play']);
});

test('stop and similar verbs also accept a destination that has only one server', async () => {
  await remember('first', { destination: 'gpu' });
  assert.equal((await knownServer('gpu', undefined, context)).spec.name, 'first');
  await remember('second', { destination: 'gpu' });
  await assert.rejects(
    knownServer('gpu', undefined, context),
    refusal(/there is no server "gpu"/, /The servers are: first, second/),
  );
});

test('a configured server is known even if another machine started it', async () => {
  configure(TWO);
  const { spec, record } = await knownServer('play', '/dev/null', context);
  assert.deepEqual([spec.destination, spec.sshConfig, record], ['me@other', '/dev/null', undefined]);
});

test('an unknown name is reported with the existing names', async () => {
  configure('servers:\n  work: { destination: gpu }\n');
  await remember('mine', { destination: 'gpu' });
  await assert.rejects(
    knownServer('wrok', undefined, context),
    refusal(/there is no server "wrok"/, /Did you mean work\? The servers are: mine, work/),
  );
});

test('a property of JavaScript objects is not the name of a server', async () => {
  assert.equal((await resolveServer('toString', { name: 'x' }, context)).destination, 'toString');
  await assert.rejects(
    knownServer('constructor', undefined, context),
    refusal(/there is no server "constructor"/, /^To set up a server/),
  );
});

test('with several servers a name is required', async () => {
  await remember('mine', { destination: 'gpu' });
  await remember('yours', { destination: 'gpu' });
  await assert.rejects(
    knownServer(undefined, undefined, context),
    refusal(/no server is named, and there are several/, /Name one of them: mine, yours/),
  );
});

test('a saved server has the same settings when it is read', async () => {
  const settings = { directory: 'd', setup: ['s'], environment: 'e', command: 'c', port: 1, localPort: 2 };
  const others = { strictPort: true, idleTimeout: '60m', sshConfig: '/dev/null' };
  const spec = makeSpec('x', { destination: 'gpu', ...settings, ...others });
  await saveServer(configurationFile(context.env), 'x', spec);
  assert.deepEqual(await resolveServer('x', {}, context), spec);
});

test('the ssh_config in config.yaml is used unless another one is given', async () => {
  configure('servers:\n  work: { destination: gpu, ssh-config: ~/lab.conf }\n');
  await remember('work', { destination: 'gpu' });
  const own = join(homedir(), 'lab.conf');
  assert.equal((await resolveServer('work', {}, context)).sshConfig, own);
  assert.equal((await resolveServer('work', { sshConfig: '/dev/null' }, context)).sshConfig, '/dev/null');
  await updateRecords(context, () => ({}));
  assert.equal((await knownServer('work', undefined, context)).spec.sshConfig, own);
});

test('the path of an ssh_config becomes absolute', () => {
  const fileOf = (named: string) => makeSpec('x', { destination: 'gpu', sshConfig: named }).sshConfig;
  assert.deepEqual(['lab.conf', '~/lab.conf', 'none'].map(fileOf), [
    join(process.cwd(), 'lab.conf'),
    join(homedir(), 'lab.conf'),
    'none',
  ]);
});

test('a missing ssh_config is a mistake', async () => {
  const mistake = refusal(/^cannot read the ssh_config \/nonexist: ENOENT: no such file or directory$/, /-F/);
  await assert.rejects(resolveServer('gpu', { sshConfig: '/nonexist' }, context), mistake);
  await assert.rejects(knownServer('gpu', '/nonexist', context), mistake);
});

const JOBS = `jobs:
  short: { launcher: slurm, time: 30m, memory: 2G }
  gpu: { time: 8h, gpus: 1 }
servers:
  work: { destination: login, job: short, memory: 4G }
`;

test('a server with a job has its settings, and its own override them', async () => {
  configure(JOBS);
  const { launcher, time, memory } = await resolveServer('work', {}, context);
  assert.deepEqual([launcher, time, memory], ['slurm', '30m', '4G']);
});

test('--job replaces all settings of the job but its scheduler, and single options override it', async () => {
  configure(JOBS);
  const { launcher, time, memory, gpus } = await resolveServer('work', { job: 'gpu', time: '2h' }, context);
  assert.deepEqual([launcher, time, memory, gpus], ['slurm', '2h', undefined, '1']);
  const other = await resolveServer('elsewhere', { job: 'short' }, context);
  assert.deepEqual([other.destination, other.launcher, other.time], ['elsewhere', 'slurm', '30m']);
  await assert.rejects(
    resolveServer('work', { job: 'toString' }, context),
    refusal(/"toString" is not one of the jobs/, /short, gpu/),
  );
});
