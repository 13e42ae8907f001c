import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type HostBlock, hostBlockLines, verifyHostWord, withHostBlock } from '../../src/ssh/host-block.ts';
import { makeFolder } from '../hosts/standing.ts';

/** A new Host in an ssh_config, as ssh reads it. */

const BLOCK: HostBlock = {
  alias: 'gpu',
  hostName: 'gpu.example.org',
  user: 'me',
  port: 2222,
  identityFile: '/keys/100% mine',
};

const folder = makeFolder('rn-block-');

/** The options that ssh reads from this text for the alias. */
function optionsOf(text: string, alias = 'gpu'): string[] {
  const file = join(folder, 'config');
  writeFileSync(file, text);
  const lines = execFileSync('ssh', ['-F', file, '-G', alias], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => /^(hostname|user|port|identityfile) /.test(line)).sort();
}

/** The text without the block and the empty line next to it. */
function without(text: string): string {
  const lines = hostBlockLines(BLOCK).map((line) => `${line}\n`);
  return text.replace(lines.join(''), '');
}

for (const [what, text] of [
  ['is empty', ''],
  ['ends in a Host', 'Host old\n  User x\n'],
  ['ends in the middle of a line', 'Host old\n  User x'],
  ['has a section for every host', 'Host old\n  User x\n\n# all\nHost *\n  User y\n  Port 1\n'],
  ['begins with a section for every host', '# all\n\n# really\nHost *\n  User y\n  Port 1\n'],
  ['has a Host with a pattern in odd writing', 'host\t=\told g?u !x\n  Port 1\n'],
  ['has a Match', 'Host old\n  User x\nMATCH all\n  User y\n  Port 1\n'],
  ['speaks of something else first', 'ForwardAgent no\nHost * # all\n  HostName y\n'],
  ['has the ends of lines of Windows', 'Host old\r\n  User x\r\nHost *\r\n  User y\r\n'],
] as const) {
  test(`a new Host applies in an ssh_config that ${what}, and everything else stays the same`, () => {
    const after = withHostBlock(text, BLOCK);
    assert.deepEqual(optionsOf(after), [
      'hostname gpu.example.org',
      'identityfile /keys/100%% mine',
      'port 2222',
      'user me',
    ]);
    assert.deepEqual(optionsOf(after, 'old'), optionsOf(text, 'old'));
    const squeezed = (some: string) => some.replace(/\s*\n\s*/g, '\n').trim();
    assert.equal(squeezed(without(after.replaceAll('\r\n', '\n'))), squeezed(text.replaceAll('\r\n', '\n')));
  });
}

test('adding a Host keeps every line of any ssh_config', () => {
  const piece = fc.constantFrom(
    'Host a',
    'Host *',
    'Match all',
    '  Port 1',
    '# c',
    '\t# d',
    '',
    '  ',
    'Foo',
    '\r',
  );
  fc.assert(
    fc.property(fc.array(piece), fc.boolean(), (lines, isWhole) => {
      const text = lines.join('\n') + (isWhole ? '\n' : '');
      const after = withHostBlock(text, BLOCK);
      const at = after.replaceAll('\r\n', '\n').indexOf('Host gpu\n');
      assert.ok(at >= 0);
      const kept = after
        .split(/\r?\n/)
        .filter((line) => !hostBlockLines(BLOCK).includes(line) && line.trim() !== '');
      assert.deepEqual(
        kept,
        text.split(/\r?\n/).filter((line) => line.trim() !== ''),
      );
    }),
  );
});

test('a word that ssh would read differently is rejected', () => {
  for (const word of [
    '',
    'two words',
    '*',
    'a?',
    '!x',
    '-oProxyCommand=x',
    'a"b',
    '100%',
    'a#b',
    'a,b',
    'x\ny',
    '$x',
  ])
    assert.throws(() => verifyHostWord('a name', word), /cannot be a name in an ssh_config/, word);
  for (const word of ['gpu', 'gpu.example.org', '10.0.0.1', 'fe80::1', 'me@corp', 'grün'])
    assert.equal(verifyHostWord('a name', word), word);
});
