import { UsageError } from '../system/errors.ts';
import { nearest } from '../system/nearest.ts';

/** The names that a command line may use. */
interface Known {
  /** The given verb; undefined if it is the mistake. */
  readonly verb: string | undefined;
  readonly verbs: readonly string[];
  /** The words that this verb needs, such as `<notebook>`. */
  readonly needed: readonly string[];
  /** The long names of the options of that verb. */
  readonly options: readonly string[];
}

/** Verbs of ssh, jupyter, docker and systemctl, and ours to suggest. They are not aliases: one thing has one name. */
const OTHER_VERBS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    batch: 'run',
    cancel: 'stop',
    connect: 'start',
    delete: 'stop',
    down: 'stop',
    download: 'fetch',
    exec: 'run',
    execute: 'run',
    get: 'fetch',
    jobs: 'runs',
    kill: 'stop',
    launch: 'start',
    list: 'status',
    nbconvert: 'run',
    papermill: 'run',
    pull: 'fetch',
    submit: 'run',
    log: 'logs',
    ls: 'status',
    ps: 'status',
    setup: 'init',
    tunnel: 'forward',
    up: 'start',
  }),
);

/** The same for options. */
const OTHER_OPTIONS: ReadonlyMap<string, string> = new Map(
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

/** Turns a message of yargs into ours, with a suggestion if a similar word is known. */
export function usageMistake(message: string, args: readonly string[], known: Known): UsageError {
  const help = `See: remote-notebook ${known.verb ? `${known.verb} ` : ''}--help`;
  const unknown = firstUnknown(message);
  if (unknown !== undefined) return unknownWord(unknown, args, known, help);
  const [, lonely] = /^Not enough arguments following: (\S+)$/.exec(message) ?? [];
  if (lonely !== undefined) return new UsageError(`${dashed(lonely)} needs a value`, { remedy: help });
  const [, found] = /^Not enough non-option arguments: got (\d+)/.exec(message) ?? [];
  const missing = found && known.needed[Number(found)];
  if (missing) return new UsageError(`the argument ${missing} is missing`, { remedy: help });
  const [, option, given, choices] = /Argument: (\S+), Given: (.*), Choices: (.*)$/s.exec(message) ?? [];
  if (option)
    return new UsageError(`invalid ${dashed(option)}: ${given}`, { remedy: `Use one of: ${choices}` });
  const [, one, other] = /^Arguments (\S+) and (\S+) are mutually exclusive$/.exec(message) ?? [];
  if (one && other) return new UsageError(`${dashed(one)} and ${dashed(other)} cannot be combined`);
  return new UsageError(message.replace(/\s*\n\s*/g, ' '), { remedy: help });
}

/** The first unknown word. yargs quotes a word without letters. */
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
  return unknownName(`verb "${named}"`, OTHER_VERBS.get(word) ?? nearest(word, known.verbs), help);
}

function unknownName(name: string, suggestion: string | undefined, help: string): UsageError {
  const remedy = suggestion ? `Did you mean ${suggestion}? ${help}` : help;
  return new UsageError(`unknown ${name}`, { remedy });
}

function unknownOption(option: string, known: Known, help: string): UsageError {
  const [, no = '', word = ''] = /^-+(no-)?(.*)$/s.exec(option) ?? [];
  const near = nearest(word, known.options);
  return unknownName(`option ${option}`, OTHER_OPTIONS.get(option) ?? (near && `--${no}${near}`), help);
}

/** The option as it was given: yargs reports it without dashes, and of a group such as `-xyz` only one letter. */
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

/** Keeps a password out of logs that contain our messages. */
function withoutPassword(word: string): string {
  return word.replace(/:.*@/s, ':…@');
}
