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
  assert.deepEqual(hostAliases(file), ['gpu', 'big-gpu', 'lower', 'equals', 'quoted name', 'tail']);
});

test('an alias that appears twice is listed once', () => {
  assert.deepEqual(hostAliases(write('config', 'Host a b\nHost b a c\n')), ['a', 'b', 'c']);
});

test('Includes are read in place: several files, patterns, and inside a Host block', () => {
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

test('files that include each other are read once', () => {
  for (const name of ['a', 'b', 'c']) write(`loop/${name}`, `Host ${name}\nInclude ${folder}/loop/*\n`);
  assert.deepEqual(hostAliases(join(folder, 'loop', 'a')), ['a', 'b', 'c']);
});

test('a file that is missing or cannot be read has no aliases', () => {
  assert.deepEqual(hostAliases(join(folder, 'missing')), []);
  assert.deepEqual(hostAliases(folder), []);
});

test('a file that is not valid is reported with its name', () => {
  const file = write('config', 'Include broken\nHost "unclosed\n');
  assert.throws(() => hostAliases(file), new RegExp(`^UsageError: ${file} is not a valid ssh_config`));
});
