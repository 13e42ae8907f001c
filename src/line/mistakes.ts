import { UsageError } from '../system/errors.ts';
import { nearest } from '../system/nearest.ts';

/** What of a command line is right: the names to choose from. */
export interface Known {
  /** The verb that is given; undefined if that is what is wrong. */
  readonly verb: string | undefined;
  readonly verbs: readonly string[];
  /** The options of that verb, by their long names. */
  readonly options: readonly string[];
}

/** What ssh, jupyter, docker and systemctl call our verbs. A suggestion, no alias: one thing has one name. */
const HABITS_OF_VERBS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    connect: 'start',
    delete: 'stop',
    down: 'stop',
    kill: 'stop',
    launch: 'start',
    list: 'status',
    log: 'logs',
    ls: 'status',
    ps: 'status',
    run: 'start',
    setup: 'init',
    tunnel: 'forward',
    up: 'start',
  }),
);

/** The same for options; whole words, with what to write instead. */
const HABITS_OF_OPTIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '-L': 'remote-notebook forward SERVER 6006 (or LOCAL:HOST:PORT)',
    '-i': 'IdentityFile in your ~/.ssh/config',
    '--cwd': '--directory',
    '--dir': '--directory',
    '--env': '--environment',
    '--host': 'the destination without an option: remote-notebook start user@host',
    '--no-open': '--no-browser',
    '--notebook-dir': '--directory',
    '--open': '--browser',
    '--venv': '--environment',
  }),
);

/** What yargs found wrong, in this project's words, with what is right if that can be guessed. */
export function usageMistake(message: string, args: readonly string[], known: Known): UsageError {
  const help = `See: remote-notebook ${known.verb ? `${known.verb} ` : ''}--help`;
  const unknown = firstUnknown(message);
  if (unknown !== undefined) return unknownWord(unknown, args, known, help);
  const [, lonely] = /^Not enough arguments following: (\S+)$/.exec(message) ?? [];
  if (lonely !== undefined) return new UsageError(`${dashed(lonely)} needs a value`, { remedy: help });
  const [, option, given, choices] = /Argument: (\S+), Given: (.*), Choices: (.*)$/s.exec(message) ?? [];
  if (option)
    return new UsageError(`invalid ${dashed(option)}: ${given}`, { remedy: `Use one of: ${choices}` });
  const [, one, other] = /^Arguments (\S+) and (\S+) are mutually exclusive$/.exec(message) ?? [];
  if (one && other) return new UsageError(`${dashed(one)} and ${dashed(other)} cannot be combined`);
  return new UsageError(message.replace(/\s*\n\s*/g, ' '), { remedy: help });
}

/** The word that is unknown, or the first of several; one without letters comes in quotes. */
function firstUnknown(message: string): string | undefined {
  const [, many, words] = /^Unknown (?:argument|command)(s?): (.*)$/s.exec(message) ?? [];
  const word = many ? words?.split(', ')[0] : words;
  return word?.replace(/^"(.*)"$/s, '$1');
}

function unknownWord(word: string, args: readonly string[], known: Known, help: string): UsageError {
  const option = optionIn(args, word);
  if (option !== undefined) return unknownOption(option, known, help);
  const named = withoutPassword(word);
  if (known.verb !== undefined) return new UsageError(`unexpected argument "${named}"`, { remedy: help });
  const meant = HABITS_OF_VERBS.get(word) ?? nearest(word, known.verbs);
  return new UsageError(`unknown verb "${named}"`, {
    remedy: meant ? `Did you mean ${meant}? ${help}` : help,
  });
}

function unknownOption(option: string, known: Known, help: string): UsageError {
  const [, no = '', word = ''] = /^-+(no-)?(.*)$/s.exec(option) ?? [];
  const near = nearest(
    word,
    known.options.filter((name) => name.length > 1),
  );
  const meant = HABITS_OF_OPTIONS.get(option) ?? (near && `--${no}${near}`);
  return new UsageError(`unknown option ${option}`, {
    remedy: meant ? `Did you mean ${meant}? ${help}` : help,
  });
}

/** The option as it was given, of which yargs names the word or, in a cluster such as `-xyz`, one letter. */
function optionIn(args: readonly string[], word: string): string | undefined {
  if (word === '') return undefined;
  const isIt = (argument: string) =>
    argument.startsWith(`--${word}`) ||
    argument.startsWith(`--no-${word}`) ||
    (/^-[^-]/.test(argument) && argument.includes(word));
  const given = args.find(isIt)?.split('=')[0];
  return given !== undefined && /^-[^-]./.test(given) ? `-${word}` : given;
}

function dashed(option: string): string {
  return `${option.length > 1 ? '--' : '-'}${option}`;
}

/** It stands in the user's history already; it need not stand in a log as well. */
function withoutPassword(word: string): string {
  return word.replace(/:.*@/s, ':…@');
}
