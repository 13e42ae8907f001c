import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * Sentences that this project once said, and that had to be read twice. X stands for any words, N for any number. None of
 * them may come back into what a person reads: the texts of src, README, docs and the manual page.
 */
const SENTENCES = [
  'answers with X',
  'is no X to forward',
  'at the most',
  'in vain',
  'What runs where, asked of the world and not of the memory',
  'Check each layer between here and a X, and say what to mend',
  'Remove what crashes have left here, and nothing else',
  'The first time: ask where, try it, and write it down when it works',
  'What Tab completes in your shell',
  'is right: N X',
  'is right: one X',
  'lacks its value',
  'there is no use for',
  'is none that is known',
  'is no port to forward',
  'of this machine cannot be had',
  'is empty or holds a blank',
  'lacks a user or a host',
  'it means something to JavaScript',
  'it runs already, with another X: stop it first to have yours',
  'its server was started on X, and X has reached X now',
  'a line of setup failed',
  'must end well',
  'does not run on',
  'ends by itself, which could not be awaited',
  'Nothing runs that was started from here',
  '--all stops all, and X says otherwise',
  'is busy, and what it computes would be lost',
  'no port for X; it is tried again and again',
  'Its server was left to run; join it again',
  'It stands there already',
  'Taken out of',
  'and taken out again if this comes to nothing',
  'is no whole path',
  'did not run what it was told',
  'answers without end',
  'this host was never met',
  "the host's sshd forbids to forward to its port",
  'leads from X to X, which no name server knows',
  'could not be understood and was set aside as',
  'a line of shell that comes before the environment; more than once for more',
  "ssh's own: another file than ~/.ssh/config",
  'Whoever knows the answers says them at once',
  'Who met nobody asks nobody too much: a thirtieth of the time since',
  'Whoever asks has the network back, perhaps',
  'and the token is not for that',
  'what stands there',
  'what stands behind',
  'say what to mend',
  'none of these',
  'have it updated',
  'Let it do so on a terminal only',
  'the kind of address that X is',
  'although the record of the server names it; it was left alone',
  'is also the name of a server that was started with --plain; to find the other one, stop that first',
];

const root = fileURLToPath(new URL('..', import.meta.url));
const PIECES: Readonly<Record<string, string>> = { X: '[^\\n]{1,60}?', N: '\\d+' };

/** A sentence as it may stand in a text: over line breaks, and with anything in place of X. */
function patternOf(sentence: string): RegExp {
  const words = sentence.split(' ').map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(
    words
      .map((word) => word.replace(/^[XN](?=\W?$)/, (letter) => PIECES[letter] ?? ''))
      .join('\\s+(?:\\*\\s|//\\s|#\\s)?'),
    'i',
  );
}

const below = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
const files = [
  ...below('src').filter((name) => /\.(ts|sh)$/.test(name)),
  ...below('docs').filter((name) => name.endsWith('.md')),
  'README.md',
  'CHANGELOG.md',
  'Makefile',
  'scripts/build/manual.ts',
];
const texts = files.map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));

for (const sentence of SENTENCES) {
  test(`no text of the product contains: ${sentence}`, () => {
    const pattern = patternOf(sentence);
    const found = texts.filter(({ text }) => pattern.test(text)).map(({ file }) => file);
    assert.deepEqual(found, []);
  });
}

test('a sentence is found across the lines of a comment, with anything in place of X', () => {
  const pattern = patternOf('leads from X to X, which no name server knows');
  assert.match(' * "gpu" leads from "gpu"\n * to "big", which no name server knows', pattern);
});
