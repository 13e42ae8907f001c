import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { hostAliases } from '../../src/ssh/aliases.ts';
import { makeFolder } from '../hosts/standing.ts';

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

test('the words behind Host are aliases, in their order, and patterns are not', () => {
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
  assert.deepEqual(hostAliases(file), ['gpu', 'big-gpu', 'lower', 'equals', 'quoted name', 'tail']);
});

test('an alias that is named twice is one', () => {
  assert.deepEqual(hostAliases(write('config', 'Host a b\nHost b a c\n')), ['a', 'b', 'c']);
});

test('Includes are read where they stand: several, patterns, and inside of a Host block', () => {
  write('conf.d/10-first', 'Host first\n');
  write('conf.d/20-second', `Host second\nInclude ${join(folder, 'deep', 'config')}\n`);
  write('conf.d/.hidden', 'Host hidden\n');
  write('conf.d/30.off', 'Host off\n');
  write('deep/config', 'Host deep\n');
  write('one', 'Host one\n');
  write('two', 'Host two\n');
  const file = write(
    'config',
    `Host before
Include ${folder}/conf.d/?0-*
Include ${folder}/one ${folder}/two ${folder}/missing
Host block
  Include ${folder}/deep/*
Host after
`,
  );
  assert.deepEqual(hostAliases(file), ['before', 'first', 'second', 'deep', 'one', 'two', 'block', 'after']);
});

test('files that include each other end, too', () => {
  for (const name of ['a', 'b', 'c']) write(`loop/${name}`, `Host ${name}\nInclude ${folder}/loop/*\n`);
  assert.deepEqual(hostAliases(join(folder, 'loop', 'a')), ['a', 'b', 'c']);
});

test('a file that is not there, or cannot be read, names no host', () => {
  assert.deepEqual(hostAliases(join(folder, 'missing')), []);
  assert.deepEqual(hostAliases(folder), []);
});

test('a file that ssh could not read either is told by its name, and is no bug', () => {
  const file = write('config', 'Include broken\nHost "unclosed\n');
  assert.throws(() => hostAliases(file), new RegExp(`^UsageError: ${file} is not a valid ssh_config`));
});
