import { parseArgs } from 'node:util';
import type { ArgumentsCamelCase, Argv, Options } from 'yargs';
import { VERBS } from '../commands/verbs.ts';
import { UsageError } from '../system/errors.ts';
import { version } from '../version.ts';
import { type Known, usageMistake } from './mistakes.ts';
import { type AnyVerb, SHARED_OPTIONS, type SharedArguments } from './verb.ts';

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
export async function readCommandLine(args: readonly string[]): Promise<CommandLine | undefined> {
  const [first, second, ...rest] = args;
  if (first === 'help' && rest.length === 0) return readByYargs(helpOf(second));
  const words = separated(args);
  return readUsualLine(words) ?? readByYargs(words);
}

/** `-Ffile` as two words, which ssh takes it for: yargs finds letters and dots of its own in it. */
function separated(args: readonly string[]): readonly string[] {
  const verb = Object.hasOwn(VERBS, args[0] ?? '') ? VERBS[args[0] ?? ''] : undefined;
  const options = Object.entries<Options>({ ...verb?.options, ...SHARED_OPTIONS });
  const spellings = options
    .filter(([, { type }]) => type !== 'boolean')
    .flatMap(([name, settings]) => [name, ...aliasesOf(settings)]);
  const end = args.indexOf('--');
  const before = args.slice(0, end < 0 ? undefined : end).flatMap((word) => {
    const [, letter = '', value = ''] = /^-([^-])([^=].*)$/s.exec(word) ?? [];
    return spellings.includes(letter) ? [`-${letter}`, value] : [word];
  });
  return end < 0 ? before : [...before, ...args.slice(end)];
}

/** `help VERB`, as git and docker have it, is that verb's --help. */
function helpOf(word: string | undefined): string[] {
  if (word === undefined) return ['--help'];
  return Object.hasOwn(VERBS, word) ? [word, '--help'] : [word];
}

/**
 * The same of a command line that is right and of the usual kind, by Node's own parser: yargs, which takes nearly as
 * long as a bare Node to start, is for help, mistakes and rare spellings, and gets all that this is not sure of.
 */
export function readUsualLine([name = '', ...words]: readonly string[]): CommandLine | undefined {
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (!verb) return undefined;
  const options: Record<string, Options> = { ...verb.options, ...SHARED_OPTIONS };
  const line = parseStrictly(words, options);
  const positionals = line && takePositionals(line.positionals, verb);
  if (!line || !positionals) return undefined;
  const values: Values = { ...positionals };
  for (const [option, settings] of Object.entries(options)) {
    const value = usualValue(line.values[parserName(option, settings)], settings);
    if (value === NOT_USUAL) return undefined;
    if (value !== undefined) Object.assign(values, { [option]: value, [camelCase(option)]: value });
  }
  const isInConflict = Object.entries(options).some(
    ([option, { conflicts }]) => values[option] !== undefined && values[String(conflicts)] !== undefined,
  );
  return isInConflict ? undefined : { verb, args: values as unknown as SharedArguments };
}

const NOT_USUAL = Symbol('not usual');

/** What the two parsers read in ways of their own: nothing, a lone dash, letters in one word, a yes or no. */
const RARE = /^(-|-[^-].+|true|false)?$/s;

/** Undefined when Node finds anything wrong, or a word is rare. */
function parseStrictly(words: readonly string[], options: Record<string, Options>) {
  if (words.some((word) => RARE.test(word))) return undefined;
  const known = Object.entries(options).map(([option, settings]) => {
    const letter = [option, ...aliasesOf(settings)].find((spelling) => spelling.length === 1);
    const type = settings.type === 'boolean' ? ('boolean' as const) : ('string' as const);
    const short = letter === undefined ? {} : { short: letter };
    return [parserName(option, settings), { type, multiple: settings.array === true, ...short }] as const;
  });
  try {
    return parseArgs({
      args: [...words],
      options: Object.fromEntries(known),
      allowPositionals: true,
      allowNegative: true,
    });
  } catch {
    return undefined;
  }
}

function aliasesOf({ alias = [] }: Options): readonly string[] {
  return [alias].flat();
}

/** Node wants a long name: `ssh-config` for F. */
function parserName(option: string, settings: Options): string {
  return [option, ...aliasesOf(settings)].find((spelling) => spelling.length > 1) ?? option;
}

function usualValue(given: unknown, { type, choices, default: otherwise }: Options): unknown {
  if (given === undefined) return otherwise;
  if ([given].flat().includes('') || (choices && !choices.includes(given as string))) return NOT_USUAL;
  if (type !== 'number') return given;
  return /^\d{1,9}$/.test(given as string) ? Number(given) : NOT_USUAL;
}

/** What each positional argument gets; undefined when there are more words than places. */
function takePositionals(words: readonly string[], { positionals = {} }: AnyVerb): Values | undefined {
  const left = [...words];
  const taken: Values = {};
  for (const [name, { array }] of Object.entries(positionals)) {
    const value = array ? left.splice(0) : left.shift();
    if (value !== undefined) taken[name] = value;
  }
  return left.length === 0 ? taken : undefined;
}

function camelCase(option: string): string {
  return option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The same of any command line. */
export async function readByYargs(args: readonly string[]): Promise<CommandLine | undefined> {
  const { default: yargs } = await import('yargs');
  const [first = ''] = args;
  const only = Object.hasOwn(VERBS, first) ? VERBS[first] : undefined;
  const verbs = only ? [only] : Object.values(VERBS);
  let chosen: CommandLine | undefined;
  const parser = yargs(only ? args.slice(1) : args)
    .scriptName(only ? `${PROGRAM} ${first}` : PROGRAM)
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
        : usageMistake(message, args, knownWords(args[0], only && verbs[0]));
    });
  if (!only) {
    parser
      .usage('$0 VERB [NOTEBOOK]\n\nJupyter on any machine that you can ssh to, as if it were local.')
      .demandCommand(1, 'no verb is named');
  }
  for (const verb of verbs) {
    // A default command: behind any other, yargs lays out a help that nobody asked for.
    addVerb(parser, verb, only !== undefined, (parsed) => {
      chosen = { verb, args: lastOfEach(parsed, verb) };
    });
  }
  if (only) verifySwitches(args, { ...only.options, ...SHARED_OPTIONS });
  // A handler that were a promise would make yargs lay out its help first.
  await parser.parse();
  return chosen;
}

/** To yargs, all but `true` is no: `clean --dry-run=yes` would clean. @throws UsageError */
function verifySwitches(args: readonly string[], options: Record<string, Options>): void {
  const switches = Object.entries(options).filter(([, { type }]) => type === 'boolean');
  const spellings = switches.flatMap(([name, settings]) => [name, ...aliasesOf(settings)]);
  const end = args.indexOf('--');
  for (const word of end < 0 ? args : args.slice(0, end)) {
    const [, name = '', value = ''] = /^--?(?:no-)?([^=]+)=(.*)$/s.exec(word) ?? [];
    if (!spellings.includes(name) || value === 'true' || value === 'false') continue;
    throw new UsageError(`--${name} takes no value`, { remedy: 'Leave out what stands behind its =.' });
  }
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
function knownWords(name: string | undefined, verb: AnyVerb | undefined): Known {
  const options = [...Object.keys(verb?.options ?? {}), ...Object.keys(SHARED_OPTIONS), 'help'];
  return {
    verb: verb && name,
    verbs: Object.keys(VERBS),
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
