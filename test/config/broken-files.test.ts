import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loneLaptopPerTest } from '../hosts/lone-laptop.ts';

/** What can be wrong with config.yaml. */

const lone = loneLaptopPerTest();
const { configure, refused, failed } = lone;

const CONFIG = 'FILES/l/config/remote-notebook/config.yaml';
const FIX = 'Fix the line, then check the file: remote-notebook config check\n';

/** A mistake, the content of config.yaml, and the message after its path. */
const BROKEN: readonly (readonly [what: string, text: string, stderr: string])[] = [
  [
    'an unknown key of a server',
    'servers:\n  work:\n    destination: gpu\n    prot: 1\n',
    ':4: servers.work.prot is unknown\nKnown keys: destination, directory, environment, setup, command, port, local-port, socket, strict-port, idle-timeout, ssh-config\n',
  ],
  [
    'an unknown key at the top',
    '# mine\nnotebook:\n  work: 1\n',
    ':2: notebook is unknown\nKnown keys: default, servers\n',
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
    ':2: servers.work: a destination cannot contain a password: other users could read it in the process list\nUse user@host; ssh asks for the password. To log in with a key: ssh-copy-id user@host\n',
  ],
  ['a tab', 'servers:\n  work:\n\tdestination: gpu\n', `:3: Tabs are not allowed as indentation\n${FIX}`],
  [
    'one name twice',
    'servers:\n  work:\n    destination: a\n  work:\n    destination: b\n',
    `:4: Map keys must be unique\n${FIX}`,
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
