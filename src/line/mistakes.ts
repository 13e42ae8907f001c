import { UsageError } from '../system/errors.ts';
import { nearest } from '../system/nearest.ts';

/** What of a command line is right: the names to choose from. */
export interface Known {
  /** The verb that is meant; undefined when that is what is wrong. */
  readonly verb: string | undefined;
  readonly verbs: readonly string[];
  /** The options of that verb, by their long names. */
  readonly options: readonly string[];
}

/** What yargs found wrong, in this project's words, with the nearest verb or option that is right. */
export function usageMistake(message: string, args: readonly string[], known: Known): UsageError {
  const remedy = `See: remote-notebook ${known.verb ? `${known.verb} ` : ''}--help`;
  const unknown = firstUnknown(message);
  if (unknown !== undefined) return unknownWord(unknown, args, known, remedy);
  const [, lonely] = /^Not enough arguments following: (\S+)$/.exec(message) ?? [];
  if (lonely !== undefined) return new UsageError(`${dashed(lonely)} lacks its value`, { remedy });
  const [, option, given, choices] = /Argument: (\S+), Given: (.*), Choices: (.*)$/s.exec(message) ?? [];
  if (option) return new UsageError(`${dashed(option)} is ${given}`, { remedy: `It is one of: ${choices}` });
  const [, one, other] = /^Arguments (\S+) and (\S+) are mutually exclusive$/.exec(message) ?? [];
  if (one && other)
    return new UsageError(`${dashed(one)} and ${dashed(other)} contradict each other`, {
      remedy: 'Leave out one of the two.',
    });
  return new UsageError(message.replace(/\s*\n\s*/g, ' '), { remedy });
}

/** The word that is unknown, or the first of several; one without letters comes in quotes. */
function firstUnknown(message: string): string | undefined {
  const [, many, words] = /^Unknown (?:argument|command)(s?): (.*)$/s.exec(message) ?? [];
  const word = many ? words?.split(', ')[0] : words;
  return word?.replace(/^"(.*)"$/s, '$1');
}

function unknownWord(word: string, args: readonly string[], known: Known, help: string): UsageError {
  const isNegated = word !== '' && args.some((argument) => argument.startsWith(`--no-${word}`));
  const asGiven = isNegated
    ? `--no-${word}`
    : args.find((argument) => isOption(argument, word) || isCluster(argument, word))?.split('=')[0];
  const candidates = asGiven ? known.options : known.verb ? [] : known.verbs;
  const near = nearest(word, candidates);
  const prefix = asGiven ? (isNegated ? '--no-' : '--') : '';
  const what = asGiven
    ? `no option ${asGiven}`
    : `no ${known.verb ? 'use for' : 'verb'} "${withoutPassword(word)}"${known.verb ? ' here' : ''}`;
  return new UsageError(`there is ${what}`, {
    remedy: near ? `Did you mean ${prefix}${near}? ${help}` : help,
  });
}

function isOption(argument: string, word: string): boolean {
  return word !== '' && argument.startsWith(`--${word}`);
}

/** `-xyz`, which yargs reads as three options. */
function isCluster(argument: string, letter: string): boolean {
  return letter !== '' && /^-[^-]/.test(argument) && argument.includes(letter);
}

function dashed(option: string): string {
  return `${option.length > 1 ? '--' : '-'}${option}`;
}

/** It stands in the user's history already; it need not stand in a log as well. */
function withoutPassword(word: string): string {
  return word.replace(/:.*@/s, ':…@');
}
