import { hostNames, serverNames } from '../config/names.ts';
import { candidatesFor } from './candidates.ts';
import type { Verbs } from './verb.ts';

/** The exit status that makes the completion script of the shell complete file names. */
const FILE_EXPECTED = 3;
/** Names that need no quotes in any shell. The others are rare, and not offered. */
const PLAIN = /^[\p{L}\p{N}_+,./%-]+$/u;

/** Prints the candidates for the last word, one per line: the word, a tab, its description. */
export async function answerShell(
  words: readonly string[],
  verbs: Verbs,
  env: NodeJS.ProcessEnv,
  print: (text: string) => void,
): Promise<number> {
  const found = await candidatesFor(words, verbs, async (kind, sshConfig) => {
    const hosts = kind === 'destinations' ? await hostNames(sshConfig) : [];
    const names = [...(await serverNames(env)), ...hosts];
    return names.filter(({ name }) => PLAIN.test(name)).map(({ name, about }) => ({ word: name, about }));
  });
  if (found === 'file') return FILE_EXPECTED;
  print(found.map(({ word, about }) => `${word}\t${about}\n`).join(''));
  return 0;
}
