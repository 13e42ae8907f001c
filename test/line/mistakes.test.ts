import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loneLaptopPerTest } from '../hosts/lone-laptop.ts';

/** Mistakes on the command line. Each is reported, and nothing is run or changed. */

const lone = loneLaptopPerTest();
const { configure, refused } = lone;

const NO_PASSWORD = `Error: a destination cannot contain a password: other users could read it in the process list
Use user@host; ssh asks for the password. To log in with a key: ssh-copy-id user@host
`;
const NO_NAME = `Use up to 64 letters, digits, dots, dashes and underscores, without a leading dot or dash.`;
const NO_FORWARD =
  'Write 6006, LOCAL:PORT, or LOCAL:HOST:PORT, where HOST is a name that the remote machine can resolve. Ports are from 1 to 65535.';
const NO_DOCUMENT = "A document's name has an ending, such as .ipynb. To set the directory: --directory";
const OR_RUN = ['logs', 'status'];
const HOW_TO_SEE_RUNS = 'To see the runs of a host: remote-notebook runs HOST';
const HOW_TO_BEGIN =
  'To set up a server: remote-notebook init. Or: remote-notebook start user@host --directory DIR --environment VENV';

function port(option: string, value: string): string {
  return `Error: --${option} is ${value}: a port is a whole number from 1 to 65535\n`;
}

function noFile(file: string, why: string): string {
  return `Error: cannot read the ssh_config ${file}: ${why}
Name an existing file with -F, or leave -F out to use ~/.ssh/config.
`;
}

function combined(one: string, other: string): string {
  return `Error: ${one} and ${other} cannot be combined\n`;
}

/** Words that other programs use, and the verb or option that is suggested instead. */
const HABITS: readonly (readonly [args: readonly string[], suggestion: string])[] = [
  [['ls'], 'status'],
  [['ps'], 'status'],
  [['list'], 'status'],
  [['up', 'gpu'], 'start'],
  [['connect', 'gpu'], 'start'],
  [['down'], 'stop'],
  [['start', 'gpu', '--dir', 'rne'], '--directory'],
  [['start', 'gpu', '--notebook-dir=rne'], '--directory'],
  [['start', 'gpu', '--no-open'], '--no-browser'],
  [['start', 'gpu', '--venv', 'venv'], '--environment'],
  [['start', 'gpu', '-L', '6006:localhost:6006'], 'remote-notebook forward SERVER 6006 (or LOCAL:HOST:PORT)'],
];

for (const [args, suggestion] of HABITS) {
  test(`a word of another program leads to a suggestion: remote-notebook ${args.join(' ')}`, async () => {
    const stderr = await refused(...args);
    assert.ok(stderr.includes(`\nDid you mean ${suggestion}? See: `), stderr);
  });
}

/** A command line, and its complete output. */
const MISTAKES: readonly (readonly [args: readonly string[], stderr: string])[] = [
  [['start', 'me:secret@host', '{F}'], NO_PASSWORD],
  [['start', 'ssh://me:secret@host:22', '{F}'], NO_PASSWORD],
  [['start', 'me:sec:ret@host@host', '{F}'], NO_PASSWORD],
  [['start', 'host', '{F}', '--name', 'me:secret@host'], NO_PASSWORD],
  [['start', 'host', '{F}', '--save', 'me:secret@host'], NO_PASSWORD],
  [['start', 'me:secret@host', '{F}', '--plain'], NO_PASSWORD],
  [['start', 'me:secret@host', '{F}', '--dry-run'], NO_PASSWORD],
  [['stop', 'me:secret@host', '{F}'], NO_PASSWORD],
  [['aliases', 'me:secret@host', '{F}'], NO_PASSWORD],
  [
    ['start', '{F}', '--', '-oProxyCommand=touch x'],
    `Error: the destination "-oProxyCommand=touch x" begins with a dash, so ssh would read it as an option
Add a Host to your ~/.ssh/config with this name as its HostName, and use that Host.
`,
  ],
  [['start', '{F}', '-oProxyCommand=x'], 'Error: unknown option -o\nSee: remote-notebook start --help\n'],
  [
    ['start', 'two words', '{F}'],
    `Error: the destination "two words" is empty or contains a space
Use a Host of your ~/.ssh/config, user@host, or ssh://user@host:port.
`,
  ],
  [
    ['start', '', '{F}'],
    `Error: the destination "" is empty or contains a space
Use a Host of your ~/.ssh/config, user@host, or ssh://user@host:port.
`,
  ],
  [['start', '@host', '{F}'], 'Error: missing user or host in "@host"\nWrite user@host.\n'],
  [
    ['start', 'host:22', '{F}'],
    'Error: ssh would take "host:22" as the name of the host, with the port in it\nWrite ssh://host:22\n',
  ],
  [
    ['start', 'ssh://host:70000', '{F}'],
    'Error: "ssh://host:70000" is not an ssh address\nWrite ssh://user@host:port\n',
  ],
  [['start', 'host', '{F}', '--port', '0'], port('port', '0')],
  [['start', 'host', '{F}', '--port', '70000'], port('port', '70000')],
  [['start', 'host', '{F}', '--port', '-1'], port('port', '-1')],
  [['start', 'host', '{F}', '--port', '80.5'], port('port', '80.5')],
  [['start', 'host', '{F}', '--port', 'abc'], port('port', 'not a number')],
  [['start', 'host', '{F}', '--local-port', '0'], port('local-port', '0')],
  [['start', 'host', '{F}', '--local-port', '70000'], port('local-port', '70000')],
  [['start', 'host', '{F}', '--local-port', 'abc'], port('local-port', 'not a number')],
  [['start', 'host', '{F}', '--port'], 'Error: --port needs a value\nSee: remote-notebook start --help\n'],
  [
    ['stop', 'host', '{F}', '--dry-run'],
    `Error: stop --dry-run works only with --plain
Add --plain, or use --verbose to see the commands of any other stop as they run.
`,
  ],
  [
    ['start', 'host', '{F}', '--adopt', 'abc'],
    'Error: --adopt must be the port or the PID of a server (status --all lists them)\n',
  ],
  [
    ['forward', 'host', '{F}', '--adopt', '0'],
    'Error: --adopt must be the port or the PID of a server (status --all lists them), not 0\n',
  ],
  ...[
    ['--directory', 'rne'],
    ['--environment', 'uv'],
    ['--setup', 'true'],
    ['--idle-timeout', '8h'],
    ['--dry-run'],
    ['--plain'],
  ].map(
    (option) =>
      [['start', 'host', '{F}', '--adopt', '8888', ...option], combined('--adopt', option[0] ?? '')] as [
        string[],
        string,
      ],
  ),
  [['forward', 'me:secret@host', '{F}', '--adopt', '8888'], NO_PASSWORD],
  [['status', 'me:secret@host', '{F}', '--all'], NO_PASSWORD],
  [['status', 'host', '{F}', '--all', '--watch'], combined('--all', '--watch')],
  [['status', '{F}', '--all'], `Error: no server is named, and none is configured\n${HOW_TO_BEGIN}\n`],
  [['forward', 'host', '{F}', '0'], `Error: invalid port: "0"\n${NO_FORWARD}\n`],
  [['forward', 'host', '{F}', '70000'], `Error: invalid port: "70000"\n${NO_FORWARD}\n`],
  [['forward', 'host', '{F}', '8080:0'], `Error: invalid port: "8080:0"\n${NO_FORWARD}\n`],
  [['forward', 'host', '{F}', 'abc'], `Error: invalid port: "abc"\n${NO_FORWARD}\n`],
  [['start', 'host', '{F}', '--name', 'a/b'], `Error: "a/b" cannot be a server's name\n${NO_NAME}\n`],
  [['start', 'host', '{F}', '--save', '../x'], `Error: "../x" cannot be a server's name\n${NO_NAME}\n`],
  [
    ['start', 'host', '{F}', '--directory', 'a\nb'],
    'Error: --directory contains a line break, which cannot be sent to the host\n',
  ],
  [
    ['start', 'host', '{F}', '--timeout', '0'],
    'Error: --timeout must be a number of seconds from 1 to 86400, not 0\n',
  ],
  [
    ['start', 'host', '{F}', '--timeout', '0.5'],
    'Error: --timeout must be a number of seconds from 1 to 86400, not 0.5\n',
  ],
  [
    ['start', 'host', '{F}', '--timeout', 'long'],
    'Error: --timeout must be a number of seconds from 1 to 86400\n',
  ],
  [['logs', 'host', '{F}', '-n', '0'], 'Error: --lines must be a whole number from 1 to 1000000000, not 0\n'],
  [['--json'], 'Error: no verb given\nSee: remote-notebook --help\n'],
  [['strat'], 'Error: unknown verb "strat"\nDid you mean start? See: remote-notebook --help\n'],
  [['stauts'], 'Error: unknown verb "stauts"\nDid you mean status? See: remote-notebook --help\n'],
  [['help', 'strat'], 'Error: unknown verb "strat"\nDid you mean start? See: remote-notebook --help\n'],
  [['run'], 'Error: the argument <notebook> is missing\nSee: remote-notebook run --help\n'],
  [['fetch', '--force'], 'Error: the argument <run> is missing\nSee: remote-notebook fetch --help\n'],
  [['clean', '--dry-run=yes'], 'Error: --dry-run takes no value\nWrite --dry-run alone.\n'],
  [['stop', '--keep-server=yes'], 'Error: --keep-server takes no value\nWrite --keep-server alone.\n'],
  [['fly'], 'Error: unknown verb "fly"\nSee: remote-notebook --help\n'],
  [['toString'], 'Error: unknown verb "toString"\nSee: remote-notebook --help\n'],
  [['me:secret@host'], 'Error: unknown verb "me:…@host"\nSee: remote-notebook --help\n'],
  [
    ['start', 'host', '{F}', '--prot', '1'],
    'Error: unknown option --prot\nDid you mean --port? See: remote-notebook start --help\n',
  ],
  [
    ['start', 'host', '{F}', '--dirctory=rne'],
    'Error: unknown option --dirctory\nDid you mean --directory? See: remote-notebook start --help\n',
  ],
  [
    ['start', 'host', '{F}', '--no-browsre'],
    'Error: unknown option --no-browsre\nDid you mean --no-browser? See: remote-notebook start --help\n',
  ],
  [
    ['stop', '--kep-server'],
    'Error: unknown option --kep-server\nDid you mean --keep-server? See: remote-notebook stop --help\n',
  ],
  [['stop', '--quick'], 'Error: unknown option --quick\nSee: remote-notebook stop --help\n'],
  [['start', 'host', 'more', '{F}'], `Error: unexpected argument "more"\n${NO_DOCUMENT}\n`],
  [['aliases', '--shell', 'tcsh'], 'Error: invalid --shell: "tcsh"\nUse one of: "bash", "zsh", "fish"\n'],
  [['aliases', '--install', '--uninstall'], combined('--install', '--uninstall')],
  [['completion', '--install', '--uninstall'], combined('--install', '--uninstall')],
  [['', '--json'], 'Error: unknown verb ""\nSee: remote-notebook --help\n'],
  [['start', 'host', 'two words', '{F}'], `Error: unexpected argument "two words"\n${NO_DOCUMENT}\n`],
  [['logs', '-n', 'abc'], 'Error: --lines must be a whole number from 1 to 1000000000\n'],
  [['logs', '-n', '1e99'], 'Error: --lines must be a whole number from 1 to 1000000000, not 1e+99\n'],
  ...['start', 'stop', 'open', 'logs', 'forward', 'restart', 'doctor'].map(
    (verb) =>
      [[verb, 'host', '-F', '/nonexist'], noFile('/nonexist', 'ENOENT: no such file or directory')] as [
        string[],
        string,
      ],
  ),
  [['hosts', '-F', '/nonexist'], noFile('/nonexist', 'ENOENT: no such file or directory')],
  [['hosts', '-F', '/'], noFile('/', 'it is a folder')],
  [['hosts', '-F', ''], noFile('""', 'the file name is empty')],
  ...['--setup=true', '--idle-timeout=8h'].map(
    (option) =>
      [
        ['start', 'host', '{F}', '--plain', option],
        `Error: the three commands of the article do not support ${option.split('=')[0]}\nLeave out either ${option.split('=')[0]} or --plain.\n`,
      ] as [string[], string],
  ),
  [['config', 'eat'], 'Error: unknown action "eat"\nUse one of: show, path, check\n'],
  [['start', '{F}'], `Error: no server is named, and none is configured\n${HOW_TO_BEGIN}\n`],
  [['open'], `Error: there is no server yet\n${HOW_TO_BEGIN}\n`],
  ...['restart', 'open', 'logs', 'status', 'forward'].map(
    (verb) =>
      [
        [verb, 'nothing'],
        `Error: there is no server ${OR_RUN.includes(verb) ? 'or run ' : ''}"nothing"\n${HOW_TO_BEGIN}\n`,
      ] as [string[], string],
  ),
];

for (const [args, stderr] of MISTAKES) {
  const typed = args.filter((arg) => arg !== '{F}').map((arg) => JSON.stringify(arg).slice(1, -1));
  test(`a mistake is reported, and nothing is run or changed: remote-notebook ${typed.join(' ')}`, async () => {
    assert.equal(await refused(...args), stderr);
  });
}

test('an error about an unknown name lists the servers that exist', async () => {
  configure('servers:\n  work: { destination: gpu }\n  home: { destination: nas }\n');
  for (const verb of ['restart', 'open', 'logs', 'status', 'forward']) {
    const [what, more] = OR_RUN.includes(verb) ? ['server or run', `. ${HOW_TO_SEE_RUNS}`] : ['server', ''];
    assert.equal(
      await refused(verb, 'wrok'),
      `Error: there is no ${what} "wrok"\nDid you mean work? The servers are: home, work${more}\n`,
    );
  }
  assert.equal(
    await refused('stop'),
    'Error: no server is named, and there are several\nName one of them: home, work\n',
  );
});

test('a mistake leaves config.yaml unchanged, even with --save', async () => {
  const text = '# mine\nservers:\n  work: { destination: gpu }\n';
  configure(text);
  await refused('start', 'host', '{F}', '--save', 'new', '--port', '0');
  await refused('start', 'me:secret@host', '{F}', '--save', 'new');
  assert.equal(readFileSync(lone.laptop.configurationFile, 'utf8'), text);
});

test('with --json, too, a mistake is reported on standard error, and standard output is empty', async () => {
  for (const args of [['status', 'nothing'], ['start', 'host', '{F}', '--port', '0'], ['open']]) {
    assert.match(await refused(...args, '--json'), /^Error: /);
  }
});

test('no message contains a password, not even with --verbose', async () => {
  for (const args of [
    ['start', 'me:secret@host', '{F}', '--verbose'],
    ['start', 'me:secret@host', '{F}', '--prot', '1'],
    ['start', 'host', 'me:secret@host', '{F}', '--verbose'],
    ['me:secret@host', '--verbose'],
    ['open', 'me:secret@host', '--json'],
  ]) {
    assert.doesNotMatch(await refused(...args), /secret/, args.join(' '));
  }
});
