import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { hostAliases } from '../../src/ssh/aliases.ts';
import { makeAccount } from '../hosts/accounts.ts';
import { NO_ACCOUNTS } from '../hosts/needs.ts';
import { makeFolder } from '../hosts/standing.ts';
import { PROGRAM } from '../hosts/world.ts';

let folder: string;
beforeEach(() => {
  folder = makeFolder('rn-hosts-');
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

test('the words after Host are aliases, in order; patterns are not', () => {
  const file = write(
    'config',
    `# a comment: Host commented
Host gpu  big-gpu
  HostName gpu.example.org
host lower
HOST=equals
Host "quoted name" tail
Host *.example.org !secret ? b?x
Host *
  User me
Match host matched exec "false"
  User you
`,
  );
  assert.deepEqual(hostAliases(file, folder), ['gpu', 'big-gpu', 'lower', 'equals', 'tail', 'matched']);
});

test('an alias that appears twice is listed once', () => {
  assert.deepEqual(hostAliases(write('config', 'Host a b\nHost b a c\n'), folder), ['a', 'b', 'c']);
});

test('Includes are read in place: several files, patterns, and inside a Host block', () => {
  write('conf.d/10-first', 'Host first\n');
  write('conf.d/20-second', 'Host second\n');
  write('conf.d/.hidden', 'Host hidden\n');
  write('conf.d/30.off', 'Host off\n');
  write('deep/config', 'Host deep other\n');
  write('one', 'Host one\n');
  write('two', 'Host two\n');
  const file = write(
    'config',
    `Include ${folder}/conf.d/?0-*
Include ${folder}/one ${folder}/two ${folder}/missing
Host block d*
  Include ${folder}/deep/*
Host after
`,
  );
  assert.deepEqual(hostAliases(file, folder), ['first', 'second', 'one', 'two', 'block', 'deep', 'after']);
});

test('files that include each other are read once', () => {
  for (const name of ['a', 'b', 'c']) write(`loop/${name}`, `Include ${folder}/loop/*\nHost ${name}\n`);
  assert.deepEqual(hostAliases(join(folder, 'loop', 'a'), folder), ['c', 'b', 'a']);
});

test('a file that is missing or cannot be read has no aliases', () => {
  assert.deepEqual(hostAliases(join(folder, 'missing'), folder), []);
  assert.deepEqual(hostAliases(folder, folder), []);
});

test('a file that is not valid is reported with its name', () => {
  const file = write('config', 'Include broken\nHost "unclosed\n');
  assert.throws(
    () => hostAliases(file, folder),
    new RegExp(`^UsageError: ${file} is not a valid ssh_config`),
  );
});

test('every name for which ssh uses an option is listed, in any spelling of its line, except names that ssh refuses', () => {
  const file = write(
    'config',
    [
      'Host backslash \\',
      '  Port 1001',
      'ProxyCommand true \\',
      'Host=equals also',
      '  Port 1002',
      'Host = \'single\' "double"',
      '  Port 1003',
      'Host\ttab\tcarriage\r',
      '\tPort\t1004\r',
      '   host   indented # a comment',
      '  Port 1005',
      'Host [bracket]',
      '  Port 1006',
      'Match host one,two',
      '  Port 1007',
      'MATCH originalhost=three user nobody',
      '  Port 1008',
      'Match user nobody !final host four',
      '  Port 1009',
      'Match originalhost five exec "true host six"',
      '  Port 1010',
      '',
    ].join('\n'),
  );
  const listed = hostAliases(file, folder);
  assert.deepEqual(
    listed.join(' '),
    'backslash equals also single double tab carriage indented [bracket] one two three four five',
  );
  const { status, stderr } = spawnSync('ssh', ['-G', '-F', file, 'any'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  for (const name of listed) assert.match(portOf(name, file), /^1\d{3}$/, name);
  for (const name of ['six', 'backslash\\', 'a']) assert.doesNotMatch(portOf(name, file), /^1\d{3}$/, name);
});

/** The Port by which ssh would log in as `nobody`. */
function portOf(name: string, file: string): string {
  const { stdout } = spawnSync('ssh', ['-G', '-F', file, '-l', 'nobody', '--', name], {
    encoding: 'utf8',
  });
  return /^port (.*)$/m.exec(stdout)?.[1] ?? '';
}

test('a Match for the HostName of an alias adds no host, nor do negated criteria and patterns', () => {
  const file = write(
    'config',
    `Host gpu
  HostName gpu.example.org
Match host gpu.example.org,other.example.org
Match !host not-this
Match host !nor-this,*.example.org,h?st
Match originalhost gpu
`,
  );
  assert.deepEqual(hostAliases(file, folder), ['gpu', 'other.example.org']);
});

test('names that ssh refuses are not listed', () => {
  const file = write('config', 'Host "two words" $(id) a;b -x good\n');
  assert.deepEqual(hostAliases(file, folder), ['good']);
});

test('invalid UTF-8 and a byte order mark hide only the names that contain them', () => {
  const file = write('config', '');
  const bytes = Buffer.concat([
    Buffer.from('\ufeffHost marked\nHost good\n# '),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('\nHost bad'),
    Buffer.from([0xff]),
    Buffer.from(' fine\n'),
  ]);
  writeFileSync(file, bytes);
  assert.deepEqual(hostAliases(file, folder), ['good', 'fine']);
});

test('hosts reads the files that ssh reads: ~, relative, quoted and nested patterns, in any part of the path', {
  skip: NO_ACCOUNTS,
}, async () => {
  const account = makeAccount('sh');
  try {
    const ssh = join(account.home, '.ssh');
    const files = {
      config: [
        'Include d/*/config',
        `Include "it's quoted/config"  'single quoted/config'`,
        'Include ~/more/[ab]? ~/more/[!a-b]x',
        `Include "${account.home}/absolute"`,
        'Host block',
        '  Include in-block',
        'Match host matched*',
        '  Include in-match',
        'Include missing* ',
        'Host last',
      ],
      'd/one/config': ['Include relative', 'Host d-one'],
      'd/two/config': ['Host d-two'],
      'd/.hidden/config': ['Host d-hidden'],
      relative: ['Host relative'],
      'd/one/relative': ['Host not-relative'],
      "it's quoted/config": ['Host quoted'],
      'single quoted/config': ['Host single-quoted'],
      '../more/a1': ['Host more-a1'],
      '../more/b2': ['Host more-b2'],
      '../more/c3': ['Host not-c3'],
      '../more/cx': ['Host more-cx'],
      '../more/ax': ['Host more-ax'],
      '../absolute': ['Include ~/.ssh/loop', 'Host absolute'],
      loop: ['Include loop2', 'Host loop'],
      loop2: ['Host loop2'],
      'in-block': ['Host never', 'Host block'],
      'in-match': ['Host never', 'Host matched-too'],
    };
    for (const [name, lines] of Object.entries(files)) {
      const path = join(ssh, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, lines.join('\n').replace(/Host (\S+)/g, 'Host $1\n  User own-$1'));
    }
    execFileSync('chown', ['-R', account.name, account.home]);
    const { uid, gid } = account;
    const env = { PATH: process.env.PATH, HOME: account.home };
    const asAccount = (program = '', ...args: string[]) =>
      spawnSync(program, args, { uid, gid, env, cwd: '/', encoding: 'utf8' });
    const { stdout, stderr } = asAccount(...PROGRAM, 'hosts');
    const listed = stdout.trim().split('\n');
    assert.equal(
      listed.join(' '),
      'relative d-one d-two quoted single-quoted more-a1 more-ax more-b2 more-cx loop2 loop absolute block matched-too last',
      stderr,
    );
    for (const name of [...listed, 'never']) {
      const { stdout: options } = asAccount('ssh', '-G', name);
      assert.equal(options.includes(`\nuser own-${name}\n`), name !== 'never', name);
    }
  } finally {
    await account.remove();
  }
});
