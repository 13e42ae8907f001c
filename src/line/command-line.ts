import type { ArgumentsCamelCase, Argv, Options } from 'yargs';
import { UsageError } from '../system/errors.ts';
import { version } from '../version.ts';
import { type Known, usageMistake } from './mistakes.ts';
import { type AnyVerb, SHARED_OPTIONS, type SharedArguments, type Verbs } from './verb.ts';

const PROGRAM = 'remote-notebook';
/** A help that is as wide as a wide window is hard to read. */
const WIDEST_HELP = 100;

/** A verb, and what it is to run with. */
export interface CommandLine {
  readonly verb: AnyVerb;
  readonly args: SharedArguments;
}

type Values = Record<string, unknown>;

/**
 * The verb that is meant, with its arguments; none when yargs has answered itself: --help, --version.
 * @throws UsageError for what is wrong, with the nearest word that is right
 */
export async function readCommandLine(
  args: readonly string[],
  verbs: Verbs,
): Promise<CommandLine | undefined> {
  const [first, second, ...rest] = args;
  return parse(first === 'help' && rest.length === 0 ? helpOf(second, verbs) : args, verbs);
}

/** `help VERB`, as git and docker have it, is that verb's --help. */
function helpOf(word: string | undefined, verbs: Verbs): string[] {
  if (word === undefined) return ['--help'];
  return Object.hasOwn(verbs, word) ? [word, '--help'] : [word];
}

/** The names of the options that are switches, or of those that take a value: long ones and letters. */
function namesOf(options: Readonly<Record<string, Options>>, areSwitches: boolean): string[] {
  return Object.entries(options)
    .filter(([, { type }]) => (type === 'boolean') === areSwitches)
    .flatMap(([name, { alias = [] }]) => [name, ...[alias].flat()]);
}

/** `-Ffile` as two words, which ssh takes it for: yargs finds letters and dots of its own in it. */
function separated(word: string, taking: readonly string[]): string[] {
  const [, letter = '', value = ''] = /^-([^-])([^=].*)$/s.exec(word) ?? [];
  return taking.includes(letter) ? [`-${letter}`, value] : [word];
}

/** To yargs, all but `true` is no: `clean --dry-run=yes` would clean. @throws UsageError */
function verifySwitch(word: string, switches: readonly string[]): void {
  const [, name = '', value = ''] = /^--?(?:no-)?([^=]+)=(.*)$/s.exec(word) ?? [];
  if (switches.includes(name) && value !== 'true' && value !== 'false')
    throw new UsageError(`--${name} takes no value`, { remedy: 'Leave out what stands behind its =.' });
}

async function parse(given: readonly string[], all: Verbs): Promise<CommandLine | undefined> {
  const { default: yargs } = await import('yargs');
  // The verb of that very name: an object also has a `toString`, which is none.
  const only = given[0] !== undefined && Object.hasOwn(all, given[0]) ? all[given[0]] : undefined;
  const verbs = only ? [only] : Object.values(all);
  const options = { ...only?.options, ...SHARED_OPTIONS };
  // What stands behind `--` is no option.
  const end = given.includes('--') ? given.indexOf('--') : given.length;
  const before = given.slice(0, end);
  if (only) for (const word of before) verifySwitch(word, namesOf(options, true));
  const taking = namesOf(options, false);
  const args = [...before.flatMap((word) => separated(word, taking)), ...given.slice(end)];
  let chosen: CommandLine | undefined;
  const parser = yargs(only ? args.slice(1) : args)
    .scriptName(only ? `${PROGRAM} ${args[0]}` : PROGRAM)
    .detectLocale(false)
    .parserConfiguration({ 'parse-positional-numbers': false })
    .options(SHARED_OPTIONS)
    .version(version())
    .wrap(Math.min(WIDEST_HELP, process.stdout.columns || 80))
    .help()
    .alias('help', 'h')
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      throw error && error.name !== 'YError'
        ? error
        : usageMistake(message, args, knownWords(args[0], only, all));
    });
  if (!only) {
    parser
      .usage('$0 VERB [SERVER]\n\nJupyter on any machine that you can ssh to, as if it were local.')
      .demandCommand(1, 'no verb is named');
  }
  for (const verb of verbs) {
    // A default command: behind any other, yargs lays out a help that nobody asked for.
    addVerb(parser, verb, only !== undefined, (parsed) => {
      chosen = { verb, args: lastOfEach(parsed, verb) };
    });
  }
  // A handler that were a promise would make yargs lay out its help first.
  await parser.parse();
  return chosen;
}

/**
 * Teaches yargs a verb; `choose` gets its arguments when it is the one. A verb that is `alone` stands in the script's
 * name already, and is what the script does.
 */
function addVerb(yargs: Argv, verb: AnyVerb, alone: boolean, choose: (args: SharedArguments) => void): void {
  const [name = ''] = verb.usage.split(' ');
  yargs.command(
    alone ? verb.usage.replace(name, '$0') : verb.usage,
    verb.summary,
    (builder) => {
      for (const [name, { completes: _, ...positional }] of Object.entries(verb.positionals ?? {}))
        builder.positional(name, positional);
      builder.options(verb.options);
      for (const [command, does] of verb.examples)
        builder.example(alone ? command.replace(`$0 ${name}`, '$0') : command, does);
      return builder.strict();
    },
    (args) => choose(withWordsBehindDashes(args, verb, alone ? 0 : 1) as unknown as SharedArguments),
  );
}

/** What stands behind `--` is taken as it would be without: yargs leaves it aside. */
function withWordsBehindDashes(
  args: ArgumentsCamelCase<Values>,
  { positionals = {} }: AnyVerb,
  verbWords: number,
): Values {
  const words = args._.slice(verbWords).map(String);
  const filled: Values = { ...args };
  for (const [name, { array }] of Object.entries(positionals)) {
    if (array) filled[name] = [...((args[name] as unknown[] | undefined) ?? []), ...words.splice(0)];
    else filled[name] ??= words.shift();
  }
  if (words.length > 0) throw new UsageError('there is no use for so many words behind --');
  return filled;
}

/** The names that a command line may use. */
function knownWords(name: string | undefined, verb: AnyVerb | undefined, verbs: Verbs): Known {
  const options = [...Object.keys(verb?.options ?? {}), ...Object.keys(SHARED_OPTIONS), 'help'];
  return {
    verb: verb && name,
    verbs: Object.keys(verbs),
    options: options.filter((option) => option.length > 1),
  };
}

/** An option that is given twice, in an alias and behind it perhaps, counts as it was given last, unless it takes many. */
function lastOfEach(args: SharedArguments, { positionals = {}, options }: AnyVerb): SharedArguments {
  const last = ([name, value]: [string, unknown]): [string, unknown] =>
    Array.isArray(value) && !positionals[name]?.array && !options[name]?.array
      ? [name, value.at(-1)]
      : [name, value];
  return Object.fromEntries(Object.entries(args).map(last)) as unknown as SharedArguments;
}
