import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { makeNotebook } from '../../src/notebook/notebook.ts';
import { knownNotebook, resolveNotebook, settingsOf } from '../../src/notebook/resolve.ts';
import type { NotebookSettings } from '../../src/notebook/settings.ts';
import { updateRecords, withRecord } from '../../src/notebook/state.ts';
import type { Context } from '../../src/system/context.ts';
import { UsageError } from '../../src/system/errors.ts';
import { configurationFile } from '../../src/system/paths.ts';

let folder: string;
let context: Context;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rn-resolve-'));
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
afterEach(() => rmSync(folder, { recursive: true }));

function configure(text: string): void {
  const file = configurationFile(context.env);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** As a start leaves it behind. */
async function remember(name: string, settings: NotebookSettings & { destination: string }): Promise<void> {
  const notebook = makeNotebook(name, settings, '/its/ssh_config');
  const record = { notebook, server: undefined, forwards: [], plain: undefined };
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
notebooks:
  work: { destination: gpu, directory: rne, port: 9000 }
  play: { destination: me@other }
`;

test('a word that nothing is named after is a destination', async () => {
  const notebook = await resolveNotebook('me@gpu', { directory: 'rne' }, '/dev/null', context);
  assert.deepEqual(
    [notebook.name, notebook.destination, notebook.directory, notebook.configFile],
    ['gpu', 'me@gpu', 'rne', '/dev/null'],
  );
});

test('--name gives a destination another name, so that two notebooks can be on one', async () => {
  const notebook = await resolveNotebook('me@gpu', { name: 'second' }, undefined, context);
  assert.deepEqual([notebook.name, notebook.destination], ['second', 'me@gpu']);
});

test('a name of config.yaml is that notebook, and a flag wins over what stands there', async () => {
  configure(TWO);
  const notebook = await resolveNotebook('work', { port: 9999, directory: undefined }, undefined, context);
  assert.deepEqual(
    [notebook.name, notebook.destination, notebook.directory, notebook.port],
    ['work', 'gpu', 'rne', 9999],
  );
});

test('a name that was started without config.yaml is that notebook again, with all that was said of it', async () => {
  await remember('mine', { destination: 'gpu', directory: 'rne', 'local-port': 7000 });
  const notebook = await resolveNotebook('mine', { environment: 'venv' }, undefined, context);
  assert.deepEqual(
    [notebook.destination, notebook.directory, notebook.localPort, notebook.environment, notebook.configFile],
    ['gpu', 'rne', 7000, 'venv', '/its/ssh_config'],
  );
});

test('what stands in config.yaml counts before what was started once', async () => {
  configure('notebooks:\n  work: { destination: new }\n');
  await remember('work', { destination: 'old' });
  assert.equal((await resolveNotebook('work', {}, undefined, context)).destination, 'new');
});

test('without a name the default is meant', async () => {
  configure(TWO);
  await remember('running', { destination: 'elsewhere' });
  assert.equal((await resolveNotebook(undefined, {}, undefined, context)).name, 'work');
});

test('without a name and a default the only notebook is meant, configured or started', async () => {
  await remember('mine', { destination: 'gpu' });
  assert.equal((await resolveNotebook(undefined, {}, undefined, context)).name, 'mine');
  configure('notebooks:\n  mine: { destination: gpu }\n');
  assert.equal((await resolveNotebook(undefined, {}, undefined, context)).name, 'mine');
});

test('without any notebook a short text says how to begin', async () => {
  const beginning = /^Let it ask you: remote-notebook init\. Or name where: remote-notebook start user@host /;
  await assert.rejects(
    resolveNotebook(undefined, {}, undefined, context),
    refusal(/no notebook is named, and none is configured/, beginning),
  );
  await assert.rejects(
    knownNotebook(undefined, undefined, context),
    refusal(/there is no notebook yet/, beginning),
  );
});

test('stop and its like mean the only one that was started, before the default', async () => {
  configure(TWO);
  await remember('play', { destination: 'me@other' });
  const { notebook, record } = await knownNotebook(undefined, undefined, context);
  assert.deepEqual([notebook.name, record?.notebook.name], ['play', 'play']);
});

test('stop and its like take the destination as well, while one notebook alone is on it', async () => {
  await remember('first', { destination: 'gpu' });
  assert.equal((await knownNotebook('gpu', undefined, context)).notebook.name, 'first');
  await remember('second', { destination: 'gpu' });
  await assert.rejects(
    knownNotebook('gpu', undefined, context),
    refusal(/there is no notebook "gpu"/, /There are: first, second/),
  );
});

test('a configured notebook is known, though this machine never started it: another laptop may have', async () => {
  configure(TWO);
  const { notebook, record } = await knownNotebook('play', '/dev/null', context);
  assert.deepEqual([notebook.destination, notebook.configFile, record], ['me@other', '/dev/null', undefined]);
});

test('a name that nobody knows is answered with those that there are', async () => {
  configure('notebooks:\n  work: { destination: gpu }\n');
  await remember('mine', { destination: 'gpu' });
  await assert.rejects(
    knownNotebook('wrok', undefined, context),
    refusal(/there is no notebook "wrok"/, /Did you mean work\? There are: mine, work/),
  );
});

test('a word that every object of JavaScript has names no notebook', async () => {
  assert.equal(
    (await resolveNotebook('toString', { name: 'x' }, undefined, context)).destination,
    'toString',
  );
  await assert.rejects(
    knownNotebook('constructor', undefined, context),
    refusal(/there is no notebook "constructor"/, /^Let it ask you/),
  );
});

test('of several notebooks one must be named', async () => {
  await remember('mine', { destination: 'gpu' });
  await remember('yours', { destination: 'gpu' });
  await assert.rejects(
    knownNotebook(undefined, undefined, context),
    refusal(/which notebook\?/, /There are: mine, yours/),
  );
});

test('what is saved of a notebook makes the same notebook again', () => {
  const settings = { destination: 'gpu', directory: 'd', environment: 'e', command: 'c', port: 1 };
  const notebook = makeNotebook(
    'x',
    { ...settings, 'local-port': 2, socket: true, 'strict-port': true },
    '/f',
  );
  assert.deepEqual(makeNotebook('x', settingsOf(notebook), undefined), notebook);
});

test('the ssh_config of config.yaml is used, and another one that is named wins', async () => {
  configure('notebooks:\n  work: { destination: gpu, ssh-config: ~/lab.conf }\n');
  await remember('work', { destination: 'gpu' });
  const own = join(homedir(), 'lab.conf');
  assert.equal((await resolveNotebook('work', {}, undefined, context)).configFile, own);
  assert.equal((await resolveNotebook('work', {}, '/dev/null', context)).configFile, '/dev/null');
  await updateRecords(context, () => ({}));
  assert.equal((await knownNotebook('work', undefined, context)).notebook.configFile, own);
});

test('an ssh_config is the same one in every folder', () => {
  const fileOf = (named: string) => makeNotebook('x', { destination: 'gpu' }, named).configFile;
  assert.deepEqual(['lab.conf', '~/lab.conf', 'none'].map(fileOf), [
    join(process.cwd(), 'lab.conf'),
    join(homedir(), 'lab.conf'),
    'none',
  ]);
});

test('an ssh_config that is named and not there is a mistake', async () => {
  const mistake = refusal(/^cannot read the ssh_config \/nonexist: ENOENT: no such file or directory$/, /-F/);
  await assert.rejects(resolveNotebook('gpu', {}, '/nonexist', context), mistake);
  await assert.rejects(knownNotebook('gpu', '/nonexist', context), mistake);
});
