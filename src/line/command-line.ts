import type { ArgumentsCamelCase, Argv, Options } from 'yargs';
import { UsageError } from '../system/errors.ts';
import { version } from '../version.ts';
import { helpWidth, overview, tidyHelp } from './help.ts';
import { type Known, usageMistake } from './mistakes.ts';
import { type AnyVerb, SHARED_GROUP, SHARED_OPTIONS, type SharedArguments, type Verbs } from './verb.ts';

const PROGRAM = 'remote-notebook';

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
    throw new UsageError(`--${name} takes no value`, { remedy: `Write --${name} alone.` });
}

async function parse(given: readonly string[], verbs: Verbs): Promise<CommandLine | undefined> {
  const { default: yargs } = await import('yargs');
  // The verb of that very name: an object also has a `toString`, which is none.
  const [name] = given;
  const verb = name !== undefined && Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  const options = { ...verb?.options, ...SHARED_OPTIONS };
  // What stands behind `--` is no option.
  const end = given.includes('--') ? given.indexOf('--') : given.length;
  const before = given.slice(0, end);
  if (verb) for (const word of before) verifySwitch(word, namesOf(options, true));
  const taking = namesOf(options, false);
  const args = [...before.flatMap((word) => separated(word, taking)), ...given.slice(end)];
  let chosen: CommandLine | undefined;
  let answer = '';
  const parser = yargs()
    .scriptName(verb ? `${PROGRAM} ${name}` : PROGRAM)
    .detectLocale(false)
    .parserConfiguration({ 'parse-positional-numbers': false })
    .version(version())
    .wrap(helpWidth(process.stdout.columns))
    .help()
    .alias('help', 'h')
    .describe({ help: 'show this help', version: 'show the version' })
    .group(['help', 'version'], SHARED_GROUP)
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      throw error && error.name !== 'YError' ? error : usageMistake(message, args, knownWords(verb, verbs));
    });
  if (verb) {
    addVerb(parser, verb, (parsed) => {
      chosen = { verb, args: lastOfEach(parsed, verb) };
    });
  } else {
    parser.options(SHARED_OPTIONS).demandCommand(1, 'no verb given');
    // Verbs are known here by their names alone, so that an unknown one is found.
    for (const { usage, summary } of Object.values(verbs)) parser.command(usage, summary);
  }
  // A handler that were a promise would make yargs lay out its help first.
  await parser.parse(verb ? args.slice(1) : args, {}, (_error, _parsed, output) => {
    answer = output;
  });
  if (answer === version()) console.log(answer);
  else if (answer !== '') console.log(verb ? tidyHelp(answer) : overview(verbs));
  return chosen;
}

/** Teaches yargs a verb, which stands in the script's name already; `choose` gets its arguments. */
function addVerb(yargs: Argv, verb: AnyVerb, choose: (args: SharedArguments) => void): void {
  const [name = ''] = verb.usage.split(' ');
  yargs.command(
    verb.usage.replace(name, '$0'),
    verb.summary,
    (builder) => {
      for (const [name, { completes: _, ...positional }] of Object.entries(verb.positionals ?? {}))
        builder.positional(name, positional);
      builder.options(verb.options).options(SHARED_OPTIONS);
      for (const [command, does] of verb.examples) builder.example(command.replace(`$0 ${name}`, '$0'), does);
      return builder.strict();
    },
    (args) => choose(withWordsBehindDashes(args, verb) as unknown as SharedArguments),
  );
}

/** What stands behind `--` is taken as it would be without: yargs leaves it aside. */
function withWordsBehindDashes(args: ArgumentsCamelCase<Values>, { positionals = {} }: AnyVerb): Values {
  const words = args._.map(String);
  const filled: Values = { ...args };
  for (const [name, { array }] of Object.entries(positionals)) {
    if (array) filled[name] = [...((args[name] as unknown[] | undefined) ?? []), ...words.splice(0)];
    else filled[name] ??= words.shift();
  }
  if (words.length > 0) throw new UsageError(`unexpected argument "${words[0]}"`);
  return filled;
}

/** The names that a command line may use. */
function knownWords(verb: AnyVerb | undefined, verbs: Verbs): Known {
  const options = [...Object.keys({ ...verb?.options, ...SHARED_OPTIONS }), 'help'];
  return { verb: verb?.usage.split(' ')[0], verbs: Object.keys(verbs), options };
}

/** An option that is given twice, in an alias and behind it perhaps, counts as it was given last, unless it takes many. */
function lastOfEach(args: SharedArguments, { positionals = {}, options }: AnyVerb): SharedArguments {
  const last = ([name, value]: [string, unknown]): [string, unknown] =>
    Array.isArray(value) && !positionals[name]?.array && !options[name]?.array
      ? [name, value.at(-1)]
      : [name, value];
  return Object.fromEntries(Object.entries(args).map(last)) as unknown as SharedArguments;
}
