import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { done } from '../hosts/notebooks.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { standIn } from '../hosts/stand-ins.ts';
import { openTerminal, type TerminalWindow } from '../hosts/terminal.ts';
import { traces } from '../hosts/traces.ts';
import { makeVenv } from '../hosts/venv.ts';
import { eventually, makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** The dialogue of the first time, as a user has it: on a real terminal, with a real host. */

const CTRL_C = '\x03';
const CTRL_D = '\x04';
const TAB = '\t';
const ENTER = '\r';

let world: World;
let windows: TerminalWindow[];
beforeEach(async () => {
  world = await makeWorld();
  windows = [];
  world.laptop.env.BROWSER = `touch ${join(world.home, 'opened')}; true`;
  mkdirSync(join(world.home, 'rne'));
  makeVenv(join(world.home, 'rne', '.venv'));
});
afterEach(async () => {
  for (const window of windows) await window.close();
  await world.remove();
});

/** A window in which each thing is waited for behind the last one. */
interface Dialogue {
  says(text: string): Promise<void>;
  /** Waits for the question, and then types. */
  answer(question: string, answer: string): Promise<void>;
  ended(): Promise<number | null>;
  shown(): string;
}

function begin(...args: readonly string[]): Dialogue {
  const window = openTerminal([...PROGRAM, 'init', ...args], world.laptop.env);
  windows.push(window);
  let seen = 0;
  const says = async (text: string) => {
    await eventually(`it says "${text}"`, () => window.shown().includes(text, seen)).catch((error: Error) => {
      throw new Error(`${error.message}; it shows:\n${window.shown()}`);
    });
    seen = window.shown().indexOf(text, seen) + text.length;
  };
  return {
    says,
    answer: async (question, answer) => {
      await says(question);
      window.type(answer);
    },
    ended: () => window.ended,
    shown: window.shown,
  };
}

async function beginWithPorts(...args: readonly string[]): Promise<Dialogue> {
  return begin('-F', world.sshd.sshConfig, ...(await ports()), ...args);
}

function configuration(): string | undefined {
  const file = world.laptop.configurationFile;
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** Nothing is kept: no server, no connection, no configuration, no start-up file. */
function assertNothingIsKept(): void {
  assert.deepEqual(traces(world, world.laptop), []);
  assert.equal(configuration(), undefined);
  const names = readdirSync(world.laptop.env.HOME as string);
  assert.deepEqual(
    names.filter((name) => name !== 's'),
    [],
  );
}

test('the dialogue asks, tries, writes config.yaml and aliases, and opens the page; Enter takes each default', async () => {
  const dialogue = await beginWithPorts();
  await dialogue.answer('Host (one of these, user@host, or a new name): [loopback]', 'loop');
  await dialogue.says('loop');
  await dialogue.answer('', TAB);
  await dialogue.answer('back', ENTER);
  await dialogue.answer('Directory on loopback: [the home folder]', `no where${ENTER}`);
  await dialogue.says('the directory "no where" is not there on loopback');
  await dialogue.answer('Directory on loopback:', `rne${ENTER}`);
  await dialogue.says('1  .venv  a venv in the directory');
  await dialogue.answer('Environment (of these, or another): [.venv]', `nonsense:x${ENTER}`);
  await dialogue.says('the environment "nonsense:x" is none that is known');
  await dialogue.answer('Environment', `7${ENTER}`);
  await dialogue.says('there is no 7');
  await dialogue.answer('Environment', `1${ENTER}`);
  await dialogue.answer('A name for this notebook: [loopback]', `-x${ENTER}`);
  await dialogue.says('cannot be a notebook');
  await dialogue.answer('A name', ENTER);
  assert.equal(configuration(), undefined, 'nothing is written before it works');
  await dialogue.says('works: jupyter notebook in ');
  await dialogue.says('as the default');
  await dialogue.answer('Leave it running, and open it? [Y/n]', ENTER);
  await dialogue.answer('Aliases for bash', `perhaps${ENTER}`);
  await dialogue.says('neither y nor n');
  await dialogue.answer('Aliases for bash', `y${ENTER}`);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  const { default: meant, notebooks } = parse(configuration() ?? '');
  assert.equal(meant, 'loopback');
  const { port, 'local-port': localPort, ...settings } = notebooks.loopback;
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
  const [shown] = JSON.parse(await done(world.laptop, 'status', '--json')).notebooks;
  assert.equal(shown.server.directory ?? shown.directory, join(world.home, 'rne'));
  await done(world.laptop, 'stop');
  const again = await world.laptop.run('start', '--no-open', '--json');
  assert.equal(JSON.parse(again.stdout).name, 'loopback', again.stderr);
  await done(world.laptop, 'stop');
});

test('what the command line says is not asked for, and a notebook need not stay up', async () => {
  const dialogue = await beginWithPorts(
    'loopback',
    '-d',
    'rne',
    '-e',
    '.venv',
    '--name',
    'work',
    '--no-open',
  );
  await dialogue.answer('Leave it running? [Y/n]', `n${ENTER}`);
  await dialogue.answer('Aliases', ENTER);
  await dialogue.says('work is stopped. From now on: remote-notebook start\r');
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  assert.doesNotMatch(dialogue.shown(), /Host \(|Directory on|Environment \(|A name for/);
  assert.deepEqual(Object.keys(parse(configuration() ?? '').notebooks), ['work']);
  assert.deepEqual(traces(world, world.laptop), []);
});

test('it offers what there is on the host: venvs, projects, conda environments, and the Jupyter that is found', async () => {
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
  await bare.answer('Environment (of these, or another): [none]', CTRL_D);
  assert.equal(await bare.ended(), 130, bare.shown());
});

test('an environment that is not there is asked for again at once, and one that is not among those shown is taken', async () => {
  const conda = join(world.home, 'miniforge3');
  standIn('conda', join(conda, 'bin', 'conda'));
  makeVenv(join(world.home, 'envs', 'mine'));
  const dialogue = await beginWithPorts('loopback', '-d', 'rne', '--no-open');
  await dialogue.answer('Environment', `nowhere${ENTER}`);
  await dialogue.says('the environment "nowhere" is not there on loopback');
  await dialogue.says(`It is looked for in ${join(world.home, 'rne')}`);
  await dialogue.answer('Environment', `conda:nothing${ENTER}`);
  await dialogue.says('Could not find conda environment: nothing');
  await dialogue.answer('Environment', `~/envs/mine${ENTER}`);
  await dialogue.answer('A name', `work${ENTER}`);
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  assert.doesNotMatch(dialogue.shown(), /What now/);
  assert.equal(parse(configuration() ?? '').notebooks.work.environment, '~/envs/mine');
  assert.deepEqual(traces(world, world.laptop), []);
});

/** An ssh_config by whose last section everything goes wrong, unless something before it says better. */
function ownConfig(): { file: string; text: string } {
  const file = join(world.sshd.folder, 'own_config');
  const text = `# my hosts\tand more\n\nHost  old   older # a comment behind\n\tHostName=old.invalid\n  # about its port\n\tPort  2222\n\n\n# what counts for all\nHost *\n  User nobody\n  Port 1\n  UserKnownHostsFile ${join(world.sshd.folder, 'own_known_hosts')}\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking accept-new\n  IdentitiesOnly yes\n  IdentityAgent none`;
  writeFileSync(file, text);
  chmodSync(file, 0o640);
  return { file, text };
}

/** Answers all questions about a host that nobody knows. */
async function describeHost(dialogue: Dialogue, port: number): Promise<void> {
  await dialogue.answer('Host (one of these', `gpu${ENTER}`);
  await dialogue.says('knows "gpu"');
  await dialogue.answer('Write a Host for it there? [Y/n]', ENTER);
  await dialogue.answer('(HostName):', ENTER);
  await dialogue.says('cannot be a HostName');
  await dialogue.answer('(HostName):', `127.0.0.1${ENTER}`);
  await dialogue.answer('(User): [nobody]', `${userInfo().username}${ENTER}`);
  await dialogue.answer('(Port): [1]', `x${ENTER}`);
  await dialogue.says('x is no port');
  await dialogue.answer('(Port):', `${port}${ENTER}`);
  await dialogue.answer("(IdentityFile): [ssh's own choice]", `${world.sshd.key}.pub${ENTER}`);
  await dialogue.says('is the public half');
  await dialogue.answer('(IdentityFile):', `/no/such/key${ENTER}`);
  await dialogue.says('is not there');
  await dialogue.answer('(IdentityFile):', `${world.sshd.key}${ENTER}`);
}

test('a host that nobody knows gets a Host in the ssh_config, whose text and mode are kept', async () => {
  const { file, text } = ownConfig();
  const dialogue = begin('-F', file, '-d', 'rne', '-e', '.venv', '--no-open', ...(await ports()));
  await describeHost(dialogue, world.sshd.port);
  await dialogue.answer('A name for this notebook: [gpu]', ENTER);
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  const block = `Host gpu\n  HostName 127.0.0.1\n  User ${userInfo().username}\n  Port ${world.sshd.port}\n  IdentityFile ${world.sshd.key}\n\n`;
  assert.equal(readFileSync(file, 'utf8'), text.replace('# what counts', `${block}# what counts`));
  assert.equal(readFileSync(`${file}.before-remote-notebook`, 'utf8'), text);
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.equal(parse(configuration() ?? '').notebooks.gpu.destination, 'gpu');
  assert.deepEqual(traces(world, world.laptop), []);
});

test('who gives up after a try that failed has the ssh_config as it was, and nothing else', async () => {
  const { file, text } = ownConfig();
  const before = readdirSync(world.sshd.folder);
  const dialogue = begin('-F', file, '-d', 'rne', '-e', '.venv');
  await describeHost(dialogue, await freePort());
  await dialogue.answer('A name', ENTER);
  await dialogue.says('Connection refused');
  await dialogue.says('3  destination  another host');
  assert.notEqual(readFileSync(file, 'utf8'), text);
  await dialogue.answer('What now? [destination]', `stop${ENTER}`);
  await dialogue.says('Nothing is kept.');
  assert.equal(await dialogue.ended(), 1, dialogue.shown());
  assert.equal(readFileSync(file, 'utf8'), text);
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.deepEqual(readdirSync(world.sshd.folder), before);
  assertNothingIsKept();
});

test('an ssh_config whose first lines win over a new Host is left as it is, and the host asked for again', async () => {
  const { file, text } = ownConfig();
  const stubborn = `Port 1\n${text}`;
  writeFileSync(file, stubborn);
  const dialogue = begin('-F', file);
  await describeHost(dialogue, world.sshd.port);
  await dialogue.says('ssh takes Port 1 for "gpu"');
  await dialogue.answer('Host (one of these', CTRL_C);
  assert.equal(await dialogue.ended(), 130);
  assert.equal(readFileSync(file, 'utf8'), stubborn);
  assertNothingIsKept();
});

test('a mistyped host is answered with the nearest one, and asked for again', async () => {
  const dialogue = await beginWithPorts('loopbakc');
  await dialogue.says('Did you mean loopback?');
  await dialogue.answer('Write a Host for it there? [y/N]', ENTER);
  await dialogue.answer('Host (one of these', CTRL_D);
  assert.equal(await dialogue.ended(), 130);
  assertNothingIsKept();
});

/** Each question, with what is answered before it comes to the next. */
const QUESTIONS: readonly (readonly [question: string, answer: string])[] = [
  ['Host (one of these', 'gpu'],
  ['Write a Host for it there?', 'y'],
  ['(HostName):', '127.0.0.1'],
  ['(User):', userInfo().username],
  ['(Port):', 'PORT'],
  ['(IdentityFile):', 'KEY'],
  ['Directory on gpu:', 'rne'],
  ['Environment', 'broken'],
  ['A name for this notebook:', 'work'],
  ['What now? [environment]', 'environment'],
  ['Environment', '.venv'],
];

for (const [index, [question]] of QUESTIONS.entries()) {
  const [key, name] = index % 2 === 0 ? [CTRL_C, 'Ctrl-C'] : [CTRL_D, 'Ctrl-D'];
  test(`${name} at question ${index + 1}, "${question}", leaves nothing half done`, async () => {
    const { file, text } = ownConfig();
    makeVenv(join(world.home, 'rne', 'broken'), { jupyter: false });
    symlinkSync('/bin/false', join(world.home, 'rne', 'broken', 'bin', 'jupyter'));
    const dialogue = begin('-F', file, ...(await ports()));
    for (const [each, answer] of QUESTIONS.slice(0, index)) {
      const { port, key } = world.sshd;
      await dialogue.answer(each, answer.replace('PORT', String(port)).replace('KEY', key) + ENTER);
    }
    await dialogue.answer(question, key);
    assert.equal(await dialogue.ended(), 130, dialogue.shown());
    assert.match(dialogue.shown(), /Interrupted; nothing is left behind\.\r\n$/);
    assert.equal(readFileSync(file, 'utf8'), text);
    assertNothingIsKept();
  });
}

test('Ctrl-C once it has worked leaves what is written, and runs on only after a yes', async () => {
  const words = ['loopback', '-d', 'rne', '-e', '.venv', '--name', 'work'];
  const { configurationFile } = world.laptop;
  const unanswered = await beginWithPorts(...words);
  await unanswered.answer('Leave it running', CTRL_C);
  assert.equal(await unanswered.ended(), 130, unanswered.shown());
  assert.ok(
    unanswered
      .shown()
      .endsWith(
        `Interrupted; work is stopped, and stays in ${configurationFile}.\r\nThe next time: remote-notebook start\r\n`,
      ),
    unanswered.shown(),
  );
  assert.deepEqual(traces(world, world.laptop), []);
  const last = await beginWithPorts(...words.slice(0, -1), 'other');
  await last.answer('Leave it running', `y${ENTER}`);
  await last.answer('Aliases for bash', CTRL_D);
  assert.equal(await last.ended(), 130, last.shown());
  await last.says(`other runs on, and stays in ${configurationFile}`);
  const { default: meant, notebooks } = parse(configuration() ?? '');
  assert.deepEqual([meant, Object.keys(notebooks)], ['work', ['work', 'other']]);
  const [shown] = JSON.parse(await done(world.laptop, 'status', '--json')).notebooks;
  assert.deepEqual([shown.name, shown.state], ['other', 'connected']);
  assert.equal(existsSync(join(world.laptop.env.HOME as string, '.bashrc')), false);
  await done(world.laptop, 'stop');
});

test('a server that was joined runs on, and is not known here, when config.yaml is broken meanwhile', async () => {
  const words = ['loopback', '-d', 'rne', '-e', '.venv', '--no-open'];
  const { code, stderr } = await world.anotherLaptop().run('start', '{F}', ...words, ...(await ports()));
  assert.equal(code, 0, stderr);
  const dialogue = await beginWithPorts(...words);
  await dialogue.says('A name');
  mkdirSync(dirname(world.laptop.configurationFile), { recursive: true });
  writeFileSync(world.laptop.configurationFile, 'notebooks: 3\n');
  await dialogue.answer('', ENTER);
  assert.equal(await dialogue.ended(), 2, dialogue.shown());
  const left = traces(world, world.laptop);
  assert.deepEqual(
    left.filter((trace) => /^(record|connection)/.test(trace)),
    [],
  );
  assert.equal(left.filter((trace) => trace.startsWith('on the host: servers/')).length, 1);
});

test('Ctrl-C while the notebook starts leaves nothing', async () => {
  const slow = join(world.home, 'slow');
  writeFileSync(slow, `#!/bin/sh\n: >'${join(world.home, 'reached')}'\nsleep 600\n`, { mode: 0o755 });
  const { file, text } = ownConfig();
  const dialogue = begin('-F', file, '-d', 'rne', '-e', '.venv', '--command', slow);
  await describeHost(dialogue, world.sshd.port);
  await dialogue.answer('A name', ENTER);
  await eventually('it starts', () => existsSync(join(world.home, 'reached')));
  await dialogue.answer('', CTRL_C);
  assert.equal(await dialogue.ended(), 130, dialogue.shown());
  assert.equal(readFileSync(file, 'utf8'), text);
  assertNothingIsKept();
});

test('a try that fails is tried again with another answer', async () => {
  mkdirSync(join(world.home, 'empty', 'bin'), { recursive: true });
  const dialogue = await beginWithPorts(
    'loopback',
    '--no-open',
    '-d',
    'rne',
    '-e',
    'nothing',
    '--name',
    'work',
  );
  await dialogue.says('there is no bin/activate in it');
  await dialogue.answer('What now? [environment]', `nonsense${ENTER}`);
  await dialogue.says('"nonsense" is none of these');
  await dialogue.answer('What now?', `directory${ENTER}`);
  await dialogue.answer('Directory on loopback:', `rne${ENTER}`);
  await dialogue.answer('Environment', ENTER);
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  assert.equal(parse(configuration() ?? '').notebooks.work.environment, '.venv');
  assert.deepEqual(traces(world, world.laptop), []);
});

const BEFORE = `# mine, and dear to me
default: play   # mostly
notebooks:
  play: { destination: other }
  # long ago
  loopback:
    destination: elsewhere # was it?
`;

test('a second time keeps what config.yaml says, its comments and its default too, and asks before it replaces', async () => {
  const { configurationFile } = world.laptop;
  mkdirSync(dirname(configurationFile), { recursive: true });
  writeFileSync(configurationFile, BEFORE);
  const dialogue = begin('loopback', '-F', world.sshd.sshConfig, '-d', 'rne', '-e', '.venv', '--no-open');
  await dialogue.answer('A name for this notebook: [rne]', `loopback${ENTER}`);
  await dialogue.answer('config.yaml has "loopback", on elsewhere: replace it? [y/N]', ENTER);
  await dialogue.answer('A name for this notebook: [rne]', ENTER);
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  const settings = `destination: loopback\n    directory: rne\n    environment: .venv\n    ssh-config: ${world.sshd.sshConfig}`;
  const added = `  rne:\n    ${settings}\n`;
  assert.equal(configuration()?.replace(/ +#/g, ' #'), (BEFORE + added).replace(/ +#/g, ' #'));
});

test('a broken config.yaml is told before anything is asked', async () => {
  mkdirSync(dirname(world.laptop.configurationFile), { recursive: true });
  writeFileSync(world.laptop.configurationFile, 'notebooks: 3\n');
  const dialogue = begin();
  assert.equal(await dialogue.ended(), 2);
  assert.match(dialogue.shown(), /^Error: .*config\.yaml:1: notebooks is 3/);
});

test('without a terminal init says what to write instead, and --yes asks nothing', async () => {
  const words = ['init', 'loopback', '{F}', '-d', 'rne'];
  const { code, stdout, stderr } = await world.laptop.run(...words);
  assert.deepEqual([code, stdout], [2, '']);
  assert.equal(
    stderr,
    'Error: init asks, and there is no terminal to ask on\nSay what it would ask, and --yes: remote-notebook init user@host --directory DIR --environment VENV --name NAME --yes\n',
  );
  assertNothingIsKept();
  const tried = await world.laptop.run(...words, '--yes', '--json', ...(await ports()));
  assert.equal(tried.code, 0, tried.stderr);
  const { name, saved, state } = JSON.parse(tried.stdout);
  assert.deepEqual([name, saved, state], ['loopback', world.laptop.configurationFile, 'connected']);
  assert.equal(parse(configuration() ?? '').notebooks.loopback.environment, '.venv');
  await done(world.laptop, 'stop');
});

test('--yes fails as start does, and keeps nothing', async () => {
  for (const [args, status, message] of [
    [['{F}'], 2, /^Error: --yes takes the defaults, and there is none for: Host/],
    [['loopback', '{F}', '-d', 'no where'], 1, /^.*Error: the directory "no where" is not there/s],
    [['loopback', '{F}', '-p', '99999'], 2, /^Error: --port is 99999/],
  ] as const) {
    if (args[0] === '{F}')
      writeFileSync(world.sshd.sshConfig, `Host two\n${readFileSync(world.sshd.sshConfig)}`);
    const { code, stderr } = await world.laptop.run('init', ...args, '--yes');
    assert.equal(code, status, stderr);
    assert.match(stderr, message);
    assertNothingIsKept();
  }
});
