import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { firstTime } from '../hosts/first-time.ts';
import { done } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { CTRL_C, ENTER, TAB } from '../hosts/terminal.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { makeVenv } from '../hosts/venv.ts';
import type { World } from '../hosts/world.ts';

/** Directories and environments with odd names or in other places, and what init keeps of the answers. */

const user = firstTime();
const { begin, beginWithPorts, configuration, assertNothingIsKept, ownConfig, describeHost } = user;
let world: World;
beforeEach(() => {
  world = user.world();
});

test('init accepts a directory with a space and a quote, and Tab completes its folders over the open connection', async () => {
  mkdirSync(join(world.home, "my project's data", 'ünder', 'plain'), { recursive: true });
  mkdirSync(join(world.home, 'my other one'));
  writeFileSync(join(world.home, "my project's file"), '');
  const dialogue = await beginWithPorts('loopback', '--no-browser');
  await dialogue.answer('Directory on loopback:', `my p${TAB}`);
  await dialogue.says("my project's data/");
  await dialogue.answer('', `${TAB}`);
  await dialogue.says('ünder/');
  await dialogue.answer('', ENTER);
  await dialogue.answer('Environment', ENTER);
  await dialogue.answer('A name for this server: [loopback]', ENTER);
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Install aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  assert.equal(parse(configuration() ?? '').servers.loopback.directory, "my project's data/ünder");
  // A second server on the host is named after its directory.
  const second = await beginWithPorts('loopback', '-d', "my project's data", '--no-browser');
  await second.answer('Environment', ENTER);
  await second.answer('A name for this server: [my-project-s-data]', ENTER);
  await second.answer('Leave it', `n${ENTER}`);
  await second.answer('Install aliases', ENTER);
  assert.equal(await second.ended(), 0, second.shown());
  await nothingIsLeft(world);
});

test('Tab completes hidden folders, folders below ~ and folders of absolute paths, and only existing ones', async () => {
  mkdirSync(join(world.home, '.hidden', 'below'), { recursive: true });
  const dialogue = await beginWithPorts('loopback', '--no-browser');
  for (const [typed, completed] of [
    ['.hid', '.hidden/'],
    ['~/r', '~/rne/'],
    [`${world.home}/.hidden/b`, `${world.home}/.hidden/below/`],
  ] as const) {
    await dialogue.answer('Directory on loopback:', `${typed}${TAB}`);
    await dialogue.says(completed);
    await dialogue.answer('', `-no${ENTER}`);
    await dialogue.says('does not exist');
  }
  await dialogue.answer('Directory on loopback:', `no-such${TAB}${CTRL_C}`);
  assert.equal(await dialogue.ended(), 130, dialogue.shown());
  await assertNothingIsKept();
});

test('init offers the venvs in the home folder', async () => {
  for (const folder of ['venv', 'envs/ml', '.virtualenvs/old', "venvs/it's", '.pyenv/versions/3.12'])
    makeVenv(join(world.home, folder), { jupyter: folder !== 'venv' });
  const dialogue = await beginWithPorts('loopback', '-d', 'rne', '--no-browser');
  await dialogue.says('.venv ');
  for (const word of [
    '~/envs/ml ',
    "~/venvs/it's ",
    '~/.virtualenvs/old ',
    '~/.pyenv/versions/3.12 ',
    '~/venv ',
  ])
    await dialogue.says(word);
  await dialogue.answer('Environment', `~/envs/ml${ENTER}`);
  await dialogue.answer('A name', ENTER);
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Install aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  assert.equal(parse(configuration() ?? '').servers.loopback.environment, '~/envs/ml');
});

test('if another server has the name, init asks for another one, even if an option set it, and keeps the other answers', async () => {
  await done(world.laptop, 'start', 'loopback', '{F}', '--name', 'work', '--no-browser', ...(await ports()));
  const dialogue = await beginWithPorts('loopback', '-d', 'rne', '--name', 'work', '--no-browser');
  await dialogue.answer('Environment', ENTER);
  await dialogue.says('the server "work" is in the home folder on loopback');
  await dialogue.answer('What now? [name]', ENTER);
  await dialogue.answer('A name for this server: [loopback]', ENTER);
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Install aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  assert.equal(dialogue.shown().split('Environment (').length, 2, dialogue.shown());
  await done(world.laptop, 'stop', 'work');
});

test('Ctrl-C shows the command that continues with the answers, and that the new Host is removed again', async () => {
  mkdirSync(join(world.home, 'two words'));
  makeVenv(join(world.home, 'two words', '.venv'));
  const { file, text } = ownConfig();
  const dialogue = begin('-F', file, '--no-browser');
  await describeHost(dialogue, world.sshd.port);
  await dialogue.answer('Directory on gpu:', `two words${ENTER}`);
  await dialogue.answer('Environment', ENTER);
  await dialogue.answer('A name', CTRL_C);
  assert.equal(await dialogue.ended(), 130, dialogue.shown());
  await dialogue.says(`Removed from ${file} again: Host gpu`);
  await dialogue.says(
    `To continue with your answers: remote-notebook init gpu '--directory=two words' --environment=.venv --ssh-config=${file}\r\n`,
  );
  await dialogue.says('Interrupted; nothing is left behind.');
  assert.equal(readFileSync(file, 'utf8'), text);
  await assertNothingIsKept();
  await done(
    world.laptop,
    'init',
    'loopback',
    '{F}',
    '--directory=two words',
    '--environment=.venv',
    '--yes',
  );
  await done(world.laptop, 'stop');
});
