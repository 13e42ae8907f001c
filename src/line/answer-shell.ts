import { hostNames, jobNames, runNames as knownRuns, partitionNames, serverNames } from '../config/names.ts';
import { candidatesFor, type Kind } from './candidates.ts';
import type { Verbs } from './verb.ts';

/** The exit status that makes the completion script of the shell complete file names, too. */
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
  const { words: found, files } = await candidatesFor(words, verbs, async (kind, sshConfig) => {
    const names = await namesOf(kind, sshConfig, env);
    return names.filter(({ name }) => PLAIN.test(name)).map(({ name, about }) => ({ word: name, about }));
  });
  print(found.map(({ word, about }) => `${word}\t${about}\n`).join(''));
  return files ? FILE_EXPECTED : 0;
}

async function namesOf(kind: Kind, sshConfig: string | undefined, env: NodeJS.ProcessEnv) {
  if (kind === 'jobs') return jobNames(env);
  if (kind === 'partitions') return partitionNames(env);
  const hosts = kind === 'destinations' ? await hostNames(sshConfig) : [];
  const servers = kind === 'runs' ? [] : await serverNames(env);
  const runs = kind === 'runs' || kind === 'started' ? knownRuns(env) : [];
  return [...servers, ...hosts, ...runs];
}
