import { candidatesFor } from './candidates.ts';
import type { Verbs } from './verb.ts';

/** Tells the shell's script that the name of a file is expected, which the shell completes itself. */
const A_FILE = 3;
/** What every shell takes as it stands. Other names, which there hardly are, would have to be quoted for each. */
const PLAIN = /^[\p{L}\p{N}_+,./%-]+$/u;

/** Prints what may stand in place of the last word, one a line, each with what it means behind a tab. */
export async function answerShell(
  words: readonly string[],
  verbs: Verbs,
  env: NodeJS.ProcessEnv,
  print: (text: string) => void,
): Promise<number> {
  const found = await candidatesFor(words, verbs, async (kind, sshConfig) => {
    const { hostNames, serverNames } = await import('../config/names.ts');
    const hosts = kind === 'destinations' ? await hostNames(sshConfig) : [];
    const names = [...(await serverNames(env)), ...hosts];
    return names.filter(({ name }) => PLAIN.test(name)).map(({ name, about }) => ({ word: name, about }));
  });
  if (found === 'file') return A_FILE;
  print(found.map(({ word, about }) => `${word}\t${about}\n`).join(''));
  return 0;
}
