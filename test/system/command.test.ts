import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Command, commandLine, shellQuote, singleQuoted } from '../../src/system/command.ts';
import { missing } from '../hosts/needs.ts';
import { readWords, SHELL_NAMES } from '../hosts/shells.ts';

/** Words that some version of a shell expands. */
const AWKWARD = [
  '',
  ' ',
  'two words',
  '\ttab\t',
  "it's",
  "'",
  "''",
  '"',
  'say "no"',
  '$HOME',
  '${HOME}',
  '$(id)',
  '`id`',
  '!',
  '!!',
  'wow!',
  '\\',
  '\\\\',
  'end\\',
  "\\'",
  "'\\'",
  '\\!',
  '!\\',
  "!'\\",
  '\\n',
  '-',
  '--',
  '-rf',
  '~',
  '~root',
  '~/x',
  '~+',
  'a:~/b',
  '=',
  '=ls',
  'a=~/b',
  '--directory=~/b',
  '*',
  '?',
  '[a-z]*',
  '{a,b}',
  '{}',
  '**',
  '@(a)',
  '^a^b',
  '#x',
  'a#b',
  '%1',
  '%self',
  'a;b',
  'a&b',
  'a|b',
  '<a',
  '>b',
  '(a)',
  '1>2',
  'Übung',
  'naïve café',
  '日本語',
  '🐟',
  '\u00a0',
  'if',
  '\r',
  'a\r',
  '\x7f',
  '\x1b[1m',
] as const;

/** The same with a locale of the user, and without one, as in many non-interactive logins. */
const LOCALES = ['C.UTF-8', 'C'] as const;

/** A word of one line. */
const aWord = fc
  .oneof(
    fc.string({ unit: fc.constantFrom(...'ab \t\'"$`!\\-~=*?[]{}()<>|&;#%^@+:,./é日🐟') }),
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...AWKWARD),
  )
  // No argument of a process can contain a zero byte, and tcsh cannot quote a line break.
  .filter((word) => !/[\0\n]/.test(word));
const batches = fc.array(aWord, { minLength: 1, maxLength: 120 });

for (const shell of SHELL_NAMES) {
  for (const locale of LOCALES) {
    const env = { ...process.env, LC_ALL: locale };

    test(`${shell} reads every difficult quoted word unchanged, with the locale ${locale}`, {
      skip: missing(shell),
    }, () => {
      assert.deepEqual(readWords(shell, AWKWARD.map(shellQuote).join(' '), env), AWKWARD);
      assert.deepEqual(readWords(shell, AWKWARD.map(singleQuoted).join(' '), env), AWKWARD);
    });

    test(`${shell} reads any quoted word unchanged, with the locale ${locale}`, {
      skip: missing(shell),
    }, () => {
      fc.assert(
        fc.property(batches, (words) => {
          const line = [...words.map(shellQuote), ...words.map(singleQuoted)].join(' ');
          assert.deepEqual(readWords(shell, line, env), [...words, ...words]);
        }),
        { numRuns: 10 },
      );
    });
  }

  test(`${shell} reads a quoted command line inside another one, as ssh and alias need it`, {
    skip: missing(shell),
  }, () => {
    const inner = AWKWARD.map(shellQuote).join(' ');
    const [once] = readWords(shell, shellQuote(inner));
    assert.equal(once, inner);
    const [twice] = readWords(shell, shellQuote(shellQuote(inner)));
    assert.deepEqual(readWords(shell, readWords(shell, twice ?? '')[0] ?? ''), AWKWARD);
  });
}

for (const shell of SHELL_NAMES.filter((name) => name !== 'tcsh')) {
  test(`${shell} reads quoted line breaks unchanged`, { skip: missing(shell) }, () => {
    const words = ['a\nb', '\n', "\n'\n", 'a\\\nb', 'a\r\nb', 'end\n'];
    assert.deepEqual(readWords(shell, words.map(shellQuote).join(' ')), words);
  });
}

test('a plain word is not quoted', () => {
  const plain = [
    'ssh',
    '-N',
    'user@host',
    '/a/b_c-d.e',
    '--port=8889',
    'localhost:8889:localhost:8889',
    'A+B,C',
  ];
  assert.deepEqual(plain.map(shellQuote), plain);
});

test('a command line quotes only the words that need it', () => {
  const command: Command = ['ssh', '-F', "/tmp/it's", 'host', 'cd "a b"; ls'];
  assert.equal(commandLine(command), `ssh -F '/tmp/it'\\''s' host 'cd "a b"; ls'`);
});
