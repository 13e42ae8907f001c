import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { loneLaptopPerTest } from '../hosts/lone-laptop.ts';

/** What can be wrong with config.yaml. */

const lone = loneLaptopPerTest();
const { configure, refused, failed } = lone;

const CONFIG = 'FILES/l/config/remote-notebook/config.yaml';
const FIX = 'Fix the line, then check the file: remote-notebook config check\n';

const FIX_IT = FIX.replace('the line', 'it');

/** Ten lists, each of which contains the one before it nine times. */
function bomb(): string {
  const names = [...'abcdefghij'];
  const lists = names.map((_, level) => Array(9).fill(level === 0 ? 'x' : `*${names[level - 1]}`));
  return names.map((name, level) => `${name}: &${name} [${lists[level]}]\n`).join('');
}

/** A mistake, the content of config.yaml, and the message after its path. */
const BROKEN: readonly (readonly [what: string, text: string, stderr: string])[] = [
  [
    'an unknown key of a server',
    'servers:\n  work:\n    destination: gpu\n    prot: 1\n',
    ':4: servers.work.prot is unknown\nKnown keys: destination, directory, environment, setup, command, port, local-port, strict-port, idle-timeout, launcher, time, cpus, memory, gpus, partition, account, job-option, expose-on-cluster-network, queue-timeout, ssh-config, job\n',
  ],
  [
    'an unknown key at the top',
    '# mine\nnotebook:\n  work: 1\n',
    ':2: notebook is unknown\nKnown keys: default, runs, jobs, servers\n',
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
  [
    'a job that there is not',
    'jobs:\n  short: { time: 4h }\nservers:\n  work:\n    destination: gpu\n    job: long\n',
    ':6: servers.work.job is "long", which is not one of the jobs\nThe jobs in config.yaml are: short\n',
  ],
  [
    'a key of a server in a job',
    'jobs:\n  short:\n    time: 4h\n    directory: rne\n',
    ':4: jobs.short.directory is unknown\nKnown keys: launcher, time, cpus, memory, gpus, partition, account, job-option, expose-on-cluster-network, queue-timeout\n',
  ],
  [
    'a value of a job that is not valid',
    'jobs:\n  short:\n    time: soon\n',
    ':2: jobs.short: --time is "soon", which is not a duration\nWrite minutes, hours or days: 90m, 8h, 2d\n',
  ],
  ['no destination', 'servers:\n  work:\n    port: 8889\n', ':2: servers.work.destination is missing\n'],
  ['a list of servers', 'servers: [work]\n', ':1: servers is a list, but a mapping is expected\n'],
  ['a list', '- work\n', ': the file is a list, but a mapping is expected\n'],
  [
    'a password in a destination',
    'servers:\n  work:\n    destination: me:secret@gpu\n',
    ':2: servers.work: a destination cannot contain a password: other users could read it in the process list\nUse user@host; ssh asks for the password. To log in with a key: ssh-copy-id user@host\n',
  ],
  ['a tab', 'servers:\n  work:\n\tdestination: gpu\n', `:3: Tabs are not allowed as indentation\n${FIX}`],
  [
    'one name twice',
    'servers:\n  work:\n    destination: a\n  work:\n    destination: b\n',
    `:4: Map keys must be unique\n${FIX}`,
  ],
  [
    'an alias without an anchor',
    'servers:\n  work: *gpu\n',
    `:2: *gpu needs an anchor &gpu above it\n${FIX}`,
  ],
  [
    'an alias before its anchor',
    'servers:\n  work: *gpu\n  play: &gpu { destination: gpu }\n',
    `:2: *gpu needs an anchor &gpu above it\n${FIX}`,
  ],
  ['a bomb of aliases', bomb(), `: its aliases stand for too many values\n${FIX_IT}`],
  [
    'a list in a hundred thousand lists',
    `servers: ${'['.repeat(100_000)}`,
    `: it is nested too deeply\n${FIX_IT}`,
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString'].map(
    (name) =>
      [
        `a server named ${name}`,
        `servers:\n  ${name}:\n    destination: gpu\n`,
        `:2: "${name}" is a reserved name\n${FIX}`,
      ] as const,
  ),
  [
    'a setting named __proto__',
    'servers:\n  work:\n    destination: gpu\n    __proto__: { port: 1 }\n',
    `:4: "__proto__" is a reserved name\n${FIX}`,
  ],
  [
    'a set of YAML 1.1',
    '%YAML 1.1\n---\nservers: !!set { work }\n',
    ':3: servers is Set, but a mapping is expected\n',
  ],
  [
    'a list as a name',
    'servers: { ? [work] : { destination: gpu } }\n',
    `:1: servers.[ work ]: "[ work ]" cannot be a server's name\nUse up to 64 letters, digits, dots, dashes and underscores, without a leading dot or dash.\n`,
  ],
  [
    'a default that there is not',
    'default: wrok\nservers:\n  work:\n    destination: gpu\n',
    ': default is "wrok", which is not one of the servers\nThe servers are: work\n',
  ],
];

for (const [what, text, stderr] of BROKEN) {
  test(`${what} in config.yaml is reported with its file, line and key, and nothing is done`, async () => {
    configure(text);
    for (const args of [
      ['start', 'loopback', '{F}', '--save', 'new'],
      ['config', 'check'],
    ]) {
      assert.equal(await refused(...args), `Error: ${CONFIG}${stderr}`);
    }
    assert.equal(readFileSync(lone.laptop.configurationFile, 'utf8'), text);
  });
}

test('broken YAML is reported with its file and line, and how to fix it, by every verb that reads it', async () => {
  configure('servers:\n  work: { destination\n');
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
    assert.ok(stderr.endsWith(FIX), stderr);
  }
});

test('a file in place of the configuration folder is reported and not changed', async () => {
  writeFileSync(join(lone.folder, 'l', 'config'), 'mine');
  assert.equal(
    await refused('start', 'loopback', '{F}', '--save', 'work'),
    `Error: cannot read ${CONFIG}: ENOTDIR: not a directory\nMake it a file that you can read, or set XDG_CONFIG_HOME to another place.\n`,
  );
});

test('a configuration folder that is a broken link is reported before anything is started', async () => {
  symlinkSync(join(lone.folder, 'nowhere', 'at-all'), join(lone.folder, 'l', 'config'));
  assert.equal(
    await failed('start', 'loopback', '{F}', '--save', 'work'),
    `Error: cannot write ${CONFIG}: ENOENT: no such file or directory
Check that FILES/l/config is a folder and that you can write to it.
`,
  );
});

test('a config.yaml that is a folder, a pipe, a device or another kind of file is reported at once', async () => {
  const { configurationFile } = lone.laptop;
  mkdirSync(dirname(configurationFile), { recursive: true });
  const unreadable = (why: string) =>
    `Error: cannot read ${CONFIG}: ${why}\nMake it a file that you can read, or set XDG_CONFIG_HOME to another place.\n`;
  const kinds: readonly (readonly [make: () => void, why: string])[] = [
    [() => execFileSync('mkfifo', [configurationFile]), 'it is not a regular file'],
    [() => symlinkSync('/dev/zero', configurationFile), 'it is not a regular file'],
    [() => symlinkSync('config.yaml', configurationFile), 'ELOOP: too many symbolic links encountered'],
    [() => mkdirSync(configurationFile), 'it is a folder'],
    [() => writeFileSync(configurationFile, ' '.repeat(250_001)), 'it is larger than 250 kB'],
  ];
  for (const [make, why] of kinds) {
    make();
    for (const args of [['start', 'work', '{F}'], ['config'], ['status', 'work']])
      assert.equal(await refused(...args), unreadable(why));
    rmSync(configurationFile, { recursive: true });
  }
});

test('a config.yaml with thousands of servers is read quickly', async () => {
  const servers = Array.from({ length: 9000 }, (_, index) => ` s${index}: {destination: x}\n`);
  configure(`servers:\n${servers.join('')}`);
  const { stderr, code } = await lone.laptop.run('config', 'check');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /is valid \(9000 servers\)/);
  configure(`servers:\n${servers.join('')} s0: {destination: y}\n`);
  assert.equal(await refused('config', 'check'), `Error: ${CONFIG}:9002: Map keys must be unique\n${FIX}`);
});

test('a server that is a YAML alias is not replaced, and nothing is run', async () => {
  configure('servers:\n  work: &gpu { destination: gpu }\n  play: *gpu\n');
  mkdirSync(lone.laptop.stateFolder, { recursive: true, mode: 0o700 });
  assert.equal(
    await refused('start', 'loopback', '{F}', '--save', 'work'),
    `Error: cannot write "work" to ${CONFIG}, because the file contains a YAML alias (*)
Replace the alias by the text that it stands for, or add the server by hand.
`,
  );
});

test('a name that the state file cannot store is rejected', async () => {
  for (const name of ['prototype', 'constructor', '__proto__'])
    assert.match(await refused('start', 'loopback', '{F}', '--name', name), /cannot be|is a reserved name/);
});
