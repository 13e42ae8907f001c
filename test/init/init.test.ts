import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { firstTime } from '../hosts/first-time.ts';
import { done, statusOf } from '../hosts/servers.ts';
import { standIn } from '../hosts/stand-ins.ts';
import { CTRL_C, CTRL_D, ENTER, TAB } from '../hosts/terminal.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { makeVenv } from '../hosts/venv.ts';
import { eventually, type World } from '../hosts/world.ts';

/** The dialogue of init on a real terminal, with a real host. */

const user = firstTime();
const { beginWithPorts, configuration } = user;
let world: World;
beforeEach(() => {
  world = user.world();
});

test('init asks, starts the server, writes config.yaml and aliases, and opens the page; Enter accepts each default', async () => {
  const dialogue = await beginWithPorts();
  await dialogue.answer('Host (one of these, user@host, or a new name): [loopback]', 'loop');
  await dialogue.says('loop');
  await dialogue.answer('', TAB);
  await dialogue.answer('back', ENTER);
  await dialogue.answer('Directory on loopback: [the home folder]', `no where${ENTER}`);
  await dialogue.says('the directory "no where" does not exist on loopback');
  await dialogue.answer('Directory on loopback:', `rne${ENTER}`);
  await dialogue.says('1  .venv  a venv in the directory');
  await dialogue.answer('Environment (one of these, or another): [.venv]', `nonsense:x${ENTER}`);
  await dialogue.says('unknown environment "nonsense:x"');
  await dialogue.answer('Environment', `7${ENTER}`);
  await dialogue.says('there is no number 7');
  await dialogue.answer('Environment', `1${ENTER}`);
  await dialogue.answer('A name for this server: [loopback]', `-x${ENTER}`);
  await dialogue.says('cannot be a server');
  await dialogue.answer('A name', ENTER);
  assert.equal(configuration(), undefined, 'nothing is written before it works');
  await dialogue.says('works: jupyter notebook in ');
  await dialogue.says('as the default');
  await dialogue.answer('Leave it running, and open it? [Y/n]', ENTER);
  await dialogue.answer('Install aliases for bash', `perhaps${ENTER}`);
  await dialogue.says('answer y or n');
  await dialogue.answer('Install aliases for bash', `y${ENTER}`);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  const { default: meant, servers } = parse(configuration() ?? '');
  assert.equal(meant, 'loopback');
  const { port, 'local-port': localPort, ...settings } = servers.loopback;
  assert.deepEqual(settings, {
    destination: 'loopback',
    directory: 'rne',
    environment: '.venv',
    'ssh-config': world.sshd.sshConfig,
  });
  assert.ok(port && localPort);
  const bashrc = readFileSync(join(world.laptop.env.HOME as string, '.bashrc'), 'utf8');
  assert.match(bashrc, /alias remote_notebook_start=/);
  await eventually('the page is opened', () => existsSync(join(world.home, 'opened')));
  const shown = await statusOf(world.laptop);
  assert.equal(shown.jupyter.directory ?? shown.directory, join(world.home, 'rne'));
  await done(world.laptop, 'stop');
  const again = await world.laptop.run('start', '--no-browser', '--json');
  assert.equal(JSON.parse(again.stdout).name, 'loopback', again.stderr);
  await done(world.laptop, 'stop');
});

test('init does not ask for what the command line contains, and can stop the server', async () => {
  const dialogue = await beginWithPorts(
    'loopback',
    '-d',
    'rne',
    '-e',
    '.venv',
    '--name',
    'work',
    '--no-browser',
  );
  await dialogue.answer('Leave it running? [Y/n]', `n${ENTER}`);
  await dialogue.answer('Install aliases', ENTER);
  await dialogue.says('work is stopped. To start it: remote-notebook start\r');
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  assert.doesNotMatch(dialogue.shown(), /Host \(|Directory on|Environment \(|A name for/);
  assert.deepEqual(Object.keys(parse(configuration() ?? '').servers), ['work']);
  await nothingIsLeft(world);
});

test('init offers the environments on the host: venvs, projects, conda environments, and the Jupyter that it finds', async () => {
  makeVenv(join(world.home, 'rne', 'uv'), { jupyter: false });
  writeFileSync(join(world.home, 'rne', 'poetry.lock'), '');
  writeFileSync(join(world.home, 'rne', 'pyproject.toml'), '[tool.pixi.workspace]\n');
  const conda = join(world.home, 'miniforge3');
  standIn('conda', join(conda, 'bin', 'conda'));
  for (const prefix of [conda, join(conda, 'envs', 'ml'), join(world.home, "it's mine")]) {
    makeVenv(prefix, { jupyter: prefix !== conda });
    mkdirSync(join(prefix, 'conda-meta'));
  }
  mkdirSync(join(world.home, '.conda'));
  writeFileSync(join(world.home, '.conda', 'environments.txt'), `${join(world.home, "it's mine")}\n/gone\n`);
  const dialogue = await beginWithPorts('loopback', '-d', 'rne');
  for (const [index, line] of [
    '.venv ',
    'poetry ',
    'pixi ',
    'conda:ml ',
    `conda:${join(world.home, "it's mine")} `,
    './uv ',
    'conda:base ',
  ].entries())
    await dialogue.says(`  ${index + 1}  ${line}`);
  await dialogue.answer('Environment', `conda:ml${ENTER}`);
  await dialogue.answer('A name', ENTER);
  await dialogue.says('works: ');
  await dialogue.answer('Leave it', CTRL_C);
  assert.equal(await dialogue.ended(), 130, dialogue.shown());
  const bare = await beginWithPorts('loopback');
  await bare.answer('Directory', ENTER);
  await bare.says('  1  none ');
  await bare.answer('Environment (one of these, or another): [none]', CTRL_D);
  assert.equal(await bare.ended(), 130, bare.shown());
});

test('init asks again for a missing environment, and accepts one that is not in its list', async () => {
  const conda = join(world.home, 'miniforge3');
  standIn('conda', join(conda, 'bin', 'conda'));
  makeVenv(join(world.home, 'envs', 'mine'));
  const dialogue = await beginWithPorts('loopback', '-d', 'rne', '--no-browser');
  await dialogue.answer('Environment', `nowhere${ENTER}`);
  await dialogue.says('the environment "nowhere" does not exist on loopback');
  await dialogue.says(`Searched in ${join(world.home, 'rne')}`);
  await dialogue.answer('Environment', `conda:nothing${ENTER}`);
  await dialogue.says('Could not find conda environment: nothing');
  await dialogue.answer('Environment', `~/envs/mine${ENTER}`);
  await dialogue.answer('A name', `work${ENTER}`);
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Install aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  assert.doesNotMatch(dialogue.shown(), /What now/);
  assert.equal(parse(configuration() ?? '').servers.work.environment, '~/envs/mine');
  await nothingIsLeft(world);
});

test('after a failure init tries again with another answer', async () => {
  mkdirSync(join(world.home, 'empty', 'bin'), { recursive: true });
  const dialogue = await beginWithPorts(
    'loopback',
    '--no-browser',
    '-d',
    'rne',
    '-e',
    'nothing',
    '--name',
    'work',
  );
  await dialogue.says('it has no bin/activate');
  await dialogue.answer('What now? [environment]', `nonsense${ENTER}`);
  await dialogue.says('"nonsense" is not one of these');
  await dialogue.answer('What now?', `directory${ENTER}`);
  await dialogue.answer('Directory on loopback:', `rne${ENTER}`);
  await dialogue.answer('Environment', ENTER);
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Install aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  assert.equal(parse(configuration() ?? '').servers.work.environment, '.venv');
  await nothingIsLeft(world);
});
