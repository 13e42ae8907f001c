import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { startTimeOf } from '../../src/system/process.ts';
import { makeLoneLaptop } from '../hosts/lone-laptop.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import type { Laptop } from '../hosts/world.ts';

/** What can be wrong with config.yaml and with the folders that this program writes to. */

let folder: string;
let laptop: Laptop;
let witness: string;
beforeEach(() => {
  ({ folder, laptop, witness } = makeLoneLaptop());
});

/** All that is there, with what would show that it was touched. */
function everything(): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { mode, size, mtimeMs } = lstatSync(join(folder, name));
      return `${name} ${mode.toString(8)} ${size} ${mtimeMs}`;
    })
    .sort();
}

/** What the user reads of a mistake, with FILES for the folder of this test. */
function refused(...args: string[]): Promise<string> {
  return endsWith(2, ...args);
}

/** The same where a folder of this machine cannot be used. */
function failed(...args: string[]): Promise<string> {
  return endsWith(1, ...args);
}

async function endsWith(status: number, ...args: string[]): Promise<string> {
  const before = everything();
  const { code, stdout, stderr } = await laptop.run(...args);
  assert.equal(code, status, stderr);
  assert.equal(stdout, '');
  assert.deepEqual(everything(), before);
  assert.equal(existsSync(witness), false, 'ssh was run');
  return stderr.replaceAll(folder, 'FILES');
}

function writeConfiguration(text: string): void {
  mkdirSync(dirname(laptop.configurationFile), { recursive: true });
  writeFileSync(laptop.configurationFile, text);
}

const CONFIG = 'FILES/l/config/remote-notebook/config.yaml';
const MEND = 'Mend it there, and see whether it is right then: remote-notebook config check\n';

/** What is wrong, what stands in config.yaml, and what the user reads behind its path. */
const BROKEN: readonly (readonly [what: string, text: string, stderr: string])[] = [
  [
    'an unknown key of a server',
    'servers:\n  work:\n    destination: gpu\n    prot: 1\n',
    ':4: servers.work.prot is unknown\nKnown there: destination, directory, environment, setup, command, port, local-port, socket, strict-port, idle-timeout, ssh-config\n',
  ],
  [
    'an unknown key at the top',
    '# mine\nnotebook:\n  work: 1\n',
    ':2: notebook is unknown\nKnown there: default, servers\n',
  ],
  [
    'a word for a port',
    'servers:\n  work:\n    destination: gpu\n    port: abc\n',
    ':4: servers.work.port is "abc", but a number is expected\n',
  ],
  [
    'a port that there is not',
    'servers:\n  work:\n    destination: gpu\n    local-port: 70000\n',
    ':4: servers.work.local-port is 70000, but a whole number from 1 to 65535 is expected\n',
  ],
  [
    'a number for a destination',
    'servers:\n  work:\n    destination: 1\n',
    ':3: servers.work.destination is 1, but a string is expected\n',
  ],
  [
    'a word for a yes or no',
    'servers:\n  work:\n    destination: gpu\n    strict-port: maybe\n',
    ':4: servers.work.strict-port is "maybe", but a boolean is expected\n',
  ],
  ['no destination', 'servers:\n  work:\n    port: 8889\n', ':2: servers.work.destination is missing\n'],
  ['a list of servers', 'servers: [work]\n', ':1: servers is a list, but a mapping is expected\n'],
  ['a list', '- work\n', ': the file is a list, but a mapping is expected\n'],
  [
    'a password in a destination',
    'servers:\n  work:\n    destination: me:secret@gpu\n',
    ':2: servers.work: a password cannot be part of a destination: others can read it in the list of processes\nName user@host alone. ssh asks for the password, and needs none after: ssh-copy-id user@host\n',
  ],
  ['a tab', 'servers:\n  work:\n\tdestination: gpu\n', `:3: Tabs are not allowed as indentation\n${MEND}`],
  [
    'one name twice',
    'servers:\n  work:\n    destination: a\n  work:\n    destination: b\n',
    `:4: Map keys must be unique\n${MEND}`,
  ],
  [
    'a default that there is not',
    'default: wrok\nservers:\n  work:\n    destination: gpu\n',
    ': default names "wrok", which is none of its servers\nThere are: work\n',
  ],
];

for (const [what, text, stderr] of BROKEN) {
  test(`${what} in config.yaml is told by its file, line and key, and nothing is done`, async () => {
    writeConfiguration(text);
    for (const args of [
      ['start', 'loopback', '{F}', '--save', 'new'],
      ['config', 'check'],
    ]) {
      assert.equal(await refused(...args), `Error: ${CONFIG}${stderr}`);
    }
    assert.equal(readFileSync(laptop.configurationFile, 'utf8'), text);
  });
}

test('broken YAML is told by its file and line, and the way to mend it, by every verb that reads it', async () => {
  writeConfiguration('servers:\n  work: { destination\n');
  for (const args of [
    ['start'],
    ['stop'],
    ['status', 'work'],
    ['open'],
    ['logs'],
    ['forward'],
    ['config', 'show'],
  ]) {
    const stderr = await refused(...args);
    assert.ok(stderr.startsWith(`Error: ${CONFIG}:3: `), stderr);
    assert.ok(stderr.endsWith(MEND), stderr);
  }
});

test('a file where the configuration folder should be is named, and stays as it is', async () => {
  writeFileSync(join(folder, 'l', 'config'), 'mine');
  assert.equal(
    await refused('start', 'loopback', '{F}', '--save', 'work'),
    `Error: cannot read ${CONFIG}: ENOTDIR: not a directory\nMake it a file that you can read, or name another place in XDG_CONFIG_HOME.\n`,
  );
});

test('a configuration folder that leads nowhere is told before anything is started', async () => {
  symlinkSync(join(folder, 'nowhere', 'at-all'), join(folder, 'l', 'config'));
  assert.equal(
    await failed('start', 'loopback', '{F}', '--save', 'work'),
    `Error: cannot write ${CONFIG}: ENOENT: no such file or directory
See that FILES/l/config is a folder that you may write to.
`,
  );
});

const STATE = 'FILES/l/s/remote-notebook';

test('a file where the state folder should be is named, and stays as it is', async () => {
  writeFileSync(join(folder, 'l', 's'), 'mine');
  const stderr = `Error: cannot read ${STATE}/state.json: ENOTDIR: not a directory
See that ${STATE} is a folder of yours, or name another place in XDG_STATE_HOME.
`;
  for (const verb of ['start', 'stop', 'open', 'logs', 'forward'])
    assert.equal(await failed(verb, 'loopback', '{F}'), stderr);
  assert.equal(await failed('status'), stderr);
});

test('a state folder that cannot be made is told before anything is run, and nothing is saved', async () => {
  symlinkSync(join(folder, 'nowhere', 'at-all'), join(folder, 'l', 's'));
  const stderr = await failed('start', 'loopback', '{F}', '--save', 'work');
  assert.match(stderr, /^Error: cannot make the folder FILES\/l\/s\/remote-notebook: E/);
  assert.match(stderr, /\nMake FILES\/l\/s writable, or name another place in XDG_STATE_HOME\.\n$/);
});

test('a state folder that others could enter is refused: they could take over what runs', async () => {
  mkdirSync(laptop.stateFolder, { recursive: true });
  chmodSync(laptop.stateFolder, 0o777);
  assert.equal(
    await failed('start', 'loopback', '{F}', '--save', 'work'),
    `Error: the folder ${STATE} is open to other users (mode 777)
Look whether its content is what you expect, then: chmod 700 ${STATE}
`,
  );
});

test('a state folder that belongs to somebody else is refused', { skip: NO_ROOT }, async () => {
  mkdirSync(laptop.stateFolder, { recursive: true, mode: 0o700 });
  chownSync(laptop.stateFolder, 65534, 65534);
  for (const args of [
    ['start', 'loopback', '{F}', '--save', 'work'],
    ['status'],
    ['stop'],
    ['clean'],
    ['open'],
  ])
    assert.equal(
      await failed(...args),
      `Error: the folder ${STATE} belongs to another user (uid 65534)
Remove it, or name another place in XDG_STATE_HOME.
`,
    );
});

test('clean ends no process that the state folder of somebody else names', { skip: NO_ROOT }, async () => {
  const innocent = spawn('sleep', ['1000'], { stdio: 'ignore' });
  try {
    const connection = join(laptop.stateFolder, 'c', 'name');
    mkdirSync(connection, { recursive: true, mode: 0o700 });
    const startTime = await startTimeOf(innocent.pid ?? 0);
    writeFileSync(join(connection, 'state'), `state connected\nkeeper ${innocent.pid} ${startTime}\n`);
    chownSync(laptop.stateFolder, 65534, 65534);
    await failed('clean');
    assert.equal(await startTimeOf(innocent.pid ?? 0), startTime);
  } finally {
    innocent.kill();
  }
});

test('a state folder that is a link to elsewhere is refused', async () => {
  mkdirSync(dirname(laptop.stateFolder), { recursive: true });
  mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
  symlinkSync(join(folder, 'elsewhere'), laptop.stateFolder);
  assert.equal(
    await failed('start', 'loopback', '{F}', '--save', 'work'),
    `Error: the folder ${STATE} is a symbolic link\nName the place that it leads to in XDG_STATE_HOME.\n`,
  );
});

test("a state folder whose path is too long for ssh's socket is refused, and not made", async () => {
  laptop.env.XDG_STATE_HOME = join(folder, 'l', 's'.repeat(80));
  for (const more of [[], ['--save', 'work']]) {
    const stderr = await failed('start', 'loopback', '{F}', ...more);
    assert.match(
      stderr,
      /^Error: the path FILES\/l\/s{80}\/.*\/control is too long for a control socket \(86 bytes\)\n/,
    );
    assert.match(stderr, /\nName a shorter folder in XDG_STATE_HOME\.\n$/);
  }
});

test('a state folder whose path ssh would read as another is refused, and not made', async () => {
  for (const name of ['100%', '${HOME}']) {
    laptop.env.XDG_STATE_HOME = join(folder, 'l', name);
    const stderr = await failed('start', 'loopback', '{F}', '--save', 'work');
    assert.match(stderr, /holds a % or a \$\{, which ssh would replace by something else\n/);
  }
});
