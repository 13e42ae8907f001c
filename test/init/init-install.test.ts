import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { JUPYTERS, without } from '../hosts/bare.ts';
import { firstTime } from '../hosts/first-time.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { done } from '../hosts/servers.ts';
import { CTRL_C, ENTER } from '../hosts/terminal.ts';
import { NO_JUPYTER_OF_TODAY, optionsOfToday, programOfToday } from '../hosts/today.ts';

/** The first start on a host that has no Jupyter. */

const skip = NO_ROOT || NO_JUPYTER_OF_TODAY;
const user = firstTime(skip ? {} : { ...optionsOfToday(), machine: without(...JUPYTERS) });
let work: string;
beforeEach(() => {
  const { home } = user.world();
  work = join(home, 'work');
  mkdirSync(work);
  mkdirSync(join(home, '.local/bin'), { recursive: true });
  if (!skip) symlinkSync(programOfToday('uv'), join(home, '.local/bin/uv'));
});

test('init offers to install Jupyter on a host that has none, and saves the server that runs in the new venv', {
  skip,
}, async () => {
  const dialogue = await user.beginWithPorts('loopback', '-d', 'work', '--no-browser');
  await dialogue.says('No Jupyter was found on loopback.');
  await dialogue.answer('Install JupyterLab there, in a venv in work? [Y/n]', ENTER);
  await dialogue.answer('A name for this server', ENTER);
  await dialogue.says('installed jupyterlab ipykernel in');
  await dialogue.says('works: jupyter lab in ');
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Install aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  assert.equal(parse(user.configuration() ?? '').servers.loopback.directory, 'work');
  const { laptop } = user.world();
  await done(laptop, 'start', '--no-browser');
  await done(laptop, 'stop');
});

test('init installs nothing without a yes, and asks for an environment then', { skip }, async () => {
  const dialogue = await user.beginWithPorts('loopback', '-d', 'work', '--no-browser');
  await dialogue.answer('Install JupyterLab there', `n${ENTER}`);
  await dialogue.says('To install Jupyter on the host: python3 -m venv .venv');
  await dialogue.answer('Environment', CTRL_C);
  assert.equal(await dialogue.ended(), 130, dialogue.shown());
  const { laptop } = user.world();
  const { code, stderr } = await laptop.run('init', 'loopback', '{F}', '-d', 'work', '--yes');
  assert.equal(code, 1, stderr);
  assert.match(stderr, /\nAdd --install to install it in \.venv in the directory/);
  assert.equal(existsSync(join(work, '.venv')), false);
});
