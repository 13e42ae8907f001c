import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { saveServer } from '../../src/config/file.ts';
import { knownServer, resolveServer } from '../../src/config/resolve.ts';
import { makeSpec, type ServerEntry } from '../../src/model/server-spec.ts';
import { NO_FORWARDS, updateRecords, withRecord } from '../../src/state/records.ts';
import type { Context } from '../../src/system/context.ts';
import { UsageError } from '../../src/system/errors.ts';
import { configurationFile } from '../../src/system/paths.ts';
import { makeFolder } from '../hosts/standing.ts';

let folder: string;
let context: Context;
beforeEach(() => {
  folder = makeFolder('rn-resolve-');
  context = {
    env: { HOME: folder },
    signal: new AbortController().signal,
    report: {
      command: () => {},
      phase: () => {},
      note: () => {},
      phaseFailed: () => {},
      passThrough: () => {},
    },
  };
});

function configure(text: string): void {
  const file = configurationFile(context.env);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** As a start leaves it behind. */
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

test('a word that nothing is named after is a destination', async () => {
  const spec = await resolveServer('me@gpu', { directory: 'rne', sshConfig: '/dev/null' }, context);
  assert.deepEqual(
    [spec.name, spec.destination, spec.directory, spec.sshConfig],
    ['gpu', 'me@gpu', 'rne', '/dev/null'],
  );
});

test('--name gives a destination another name, so that two servers can be on one', async () => {
  const spec = await resolveServer('me@gpu', { name: 'second' }, context);
  assert.deepEqual([spec.name, spec.destination], ['second', 'me@gpu']);
});

test('a name of config.yaml is that server, and a flag wins over what stands there', async () => {
  configure(TWO);
  const spec = await resolveServer('work', { port: 9999, directory: undefined }, context);
  assert.deepEqual([spec.name, spec.destination, spec.directory, spec.port], ['work', 'gpu', 'rne', 9999]);
});

test('a name that was started without config.yaml is that server again, with all that was said of it', async () => {
  await remember('mine', { destination: 'gpu', directory: 'rne', localPort: 7000 });
  const spec = await resolveServer('mine', { environment: 'venv' }, context);
  assert.deepEqual(
    [spec.destination, spec.directory, spec.localPort, spec.environment, spec.sshConfig],
    ['gpu', 'rne', 7000, 'venv', '/its/ssh_config'],
  );
});

test('what stands in config.yaml counts before what was started once', async () => {
  configure('servers:\n  work: { destination: new }\n');
  await remember('work', { destination: 'old' });
  assert.equal((await resolveServer('work', {}, context)).destination, 'new');
});

test('without a name the default is meant', async () => {
  configure(TWO);
  await remember('running', { destination: 'elsewhere' });
  assert.equal((await resolveServer(undefined, {}, context)).name, 'work');
});

test('without a name and a default the only server is meant, configured or started', async () => {
  await remember('mine', { destination: 'gpu' });
  assert.equal((await resolveServer(undefined, {}, context)).name, 'mine');
  configure('servers:\n  mine: { destination: gpu }\n');
  assert.equal((await resolveServer(undefined, {}, context)).name, 'mine');
});

test('without any server a short text says how to begin', async () => {
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

test('stop and its like mean the only one that was started, before the default', async () => {
  configure(TWO);
  await remember('play', { destination: 'me@other' });
  const { spec, record } = await knownServer(undefined, undefined, context);
  assert.deepEqual([spec.name, record?.spec.name], ['play', 'play']);
});

test('stop and its like take the destination as well, while one server alone is on it', async () => {
  await remember('first', { destination: 'gpu' });
  assert.equal((await knownServer('gpu', undefined, context)).spec.name, 'first');
  await remember('second', { destination: 'gpu' });
  await assert.rejects(
    knownServer('gpu', undefined, context),
    refusal(/there is no server "gpu"/, /The servers are: first, second/),
  );
});

test('a configured server is known, though this machine never started it: another laptop may have', async () => {
  configure(TWO);
  const { spec, record } = await knownServer('play', '/dev/null', context);
  assert.deepEqual([spec.destination, spec.sshConfig, record], ['me@other', '/dev/null', undefined]);
});

test('a name that nobody knows is answered with those that there are', async () => {
  configure('servers:\n  work: { destination: gpu }\n');
  await remember('mine', { destination: 'gpu' });
  await assert.rejects(
    knownServer('wrok', undefined, context),
    refusal(/there is no server "wrok"/, /Did you mean work\? The servers are: mine, work/),
  );
});

test('a word that every object of JavaScript has names no server', async () => {
  assert.equal((await resolveServer('toString', { name: 'x' }, context)).destination, 'toString');
  await assert.rejects(
    knownServer('constructor', undefined, context),
    refusal(/there is no server "constructor"/, /^To set up a server/),
  );
});

test('of several servers one must be named', async () => {
  await remember('mine', { destination: 'gpu' });
  await remember('yours', { destination: 'gpu' });
  await assert.rejects(
    knownServer(undefined, undefined, context),
    refusal(/which server\?/, /The servers are: mine, yours/),
  );
});

test('what is saved of a server makes the same server again', async () => {
  const settings = { directory: 'd', setup: ['s'], environment: 'e', command: 'c', port: 1, localPort: 2 };
  const others = { socket: true, strictPort: true, idleTimeout: '60m', sshConfig: '/dev/null' };
  const spec = makeSpec('x', { destination: 'gpu', ...settings, ...others });
  await saveServer(configurationFile(context.env), 'x', spec);
  assert.deepEqual(await resolveServer('x', {}, context), spec);
});

test('the ssh_config of config.yaml is used, and another one that is named wins', async () => {
  configure('servers:\n  work: { destination: gpu, ssh-config: ~/lab.conf }\n');
  await remember('work', { destination: 'gpu' });
  const own = join(homedir(), 'lab.conf');
  assert.equal((await resolveServer('work', {}, context)).sshConfig, own);
  assert.equal((await resolveServer('work', { sshConfig: '/dev/null' }, context)).sshConfig, '/dev/null');
  await updateRecords(context, () => ({}));
  assert.equal((await knownServer('work', undefined, context)).spec.sshConfig, own);
});

test('an ssh_config is the same one in every folder', () => {
  const fileOf = (named: string) => makeSpec('x', { destination: 'gpu', sshConfig: named }).sshConfig;
  assert.deepEqual(['lab.conf', '~/lab.conf', 'none'].map(fileOf), [
    join(process.cwd(), 'lab.conf'),
    join(homedir(), 'lab.conf'),
    'none',
  ]);
});

test('an ssh_config that is named and not there is a mistake', async () => {
  const mistake = refusal(/^cannot read the ssh_config \/nonexist: ENOENT: no such file or directory$/, /-F/);
  await assert.rejects(resolveServer('gpu', { sshConfig: '/nonexist' }, context), mistake);
  await assert.rejects(knownServer('gpu', '/nonexist', context), mistake);
});
