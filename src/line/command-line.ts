import type { ArgumentsCamelCase, Argv, Options } from 'yargs';
import { UsageError } from '../system/errors.ts';
import { versionAndKind } from '../version.ts';
import { helpWidth, overview, tidyHelp } from './help.ts';
import { usageMistake } from './mistakes.ts';
import {
  type AnyVerb,
  SHARED_GROUP,
  SHARED_OPTIONS,
  type SharedArguments,
  type Verbs,
  verbNamed,
} from './verb.ts';

const PROGRAM = 'remote-notebook';

/** A verb and its arguments. */
export interface CommandLine {
  readonly verb: AnyVerb;
  readonly args: SharedArguments;
}

type Values = Record<string, unknown>;

/**
 * Reads the verb and its arguments; undefined after --help or --version, which are answered here.
 * @throws UsageError for a mistake, with the most similar correct word
 */
export async function readCommandLine(
  args: readonly string[],
  verbs: Verbs,
): Promise<CommandLine | undefined> {
  const [first, second, ...rest] = args;
  return parse(first === 'help' && rest.length === 0 ? helpOf(second, verbs) : args, verbs);
}

/** `help VERB` means `VERB --help`, as in git and docker. */
function helpOf(word: string | undefined, verbs: Verbs): string[] {
  if (word === undefined) return ['--help'];
  return verbNamed(word, verbs) ? [word, '--help'] : [word];
}

/** The long and short names of the options that are switches, or of those that take a value. */
function namesOf(options: Readonly<Record<string, Options>>, areSwitches: boolean): string[] {
  return Object.entries(options)
    .filter(([, { type }]) => (type === 'boolean') === areSwitches)
    .flatMap(([name, { alias = [] }]) => [name, ...[alias].flat()]);
}

/** Splits `-Ffile`, as ssh does; yargs would read several short options. */
function separated(word: string, taking: readonly string[]): string[] {
  const [, letter = '', value = ''] = /^-([^-])([^=].*)$/s.exec(word) ?? [];
  return taking.includes(letter) ? [`-${letter}`, value] : [word];
}

/** yargs would read `--dry-run=yes` as off. @throws UsageError */
function verifySwitch(word: string, switches: readonly string[]): void {
  const [, name = '', value = ''] = /^--?(?:no-)?([^=]+)=(.*)$/s.exec(word) ?? [];
  if (switches.includes(name) && value !== 'true' && value !== 'false')
    throw new UsageError(`--${name} takes no value`, { remedy: `Write --${name} alone.` });
}

async function parse(given: readonly string[], verbs: Verbs): Promise<CommandLine | undefined> {
  const [name = ''] = given;
  const verb = verbNamed(name, verbs);
  const options = { ...verb?.options, ...SHARED_OPTIONS };
  const end = given.includes('--') ? given.indexOf('--') : given.length;
  const before = given.slice(0, end);
  if (verb) for (const word of before) verifySwitch(word, namesOf(options, true));
  const taking = namesOf(options, false);
  const args = [...before.flatMap((word) => separated(word, taking)), ...given.slice(end)];
  let chosen: CommandLine | undefined;
  let answer = '';
  const parser = await makeParser(verb ? `${PROGRAM} ${name}` : PROGRAM, (message) => {
    const known = {
      verb: verb && name,
      verbs: Object.keys(verbs),
      needed: verb?.usage.match(/<.*?>/g) ?? [],
      options: [...Object.keys(options), 'help'],
    };
    return usageMistake(message, args, known);
  });
  if (verb) {
    addVerb(parser, verb, (parsed) => {
      chosen = { verb, args: lastOfEach(parsed, verb) };
    });
  } else {
    parser.options(SHARED_OPTIONS).demandCommand(1, 'no verb given');
    // yargs needs the names of the verbs to find an unknown one.
    for (const { usage, summary } of Object.values(verbs)) parser.command(usage, summary);
  }
  // An asynchronous handler would make yargs lay out its help first.
  await parser.parse(verb ? args.slice(1) : args, {}, (_error, _parsed, output) => {
    answer = output;
  });
  if (answer === versionAndKind()) console.log(answer);
  else if (answer !== '') console.log(verb ? tidyHelp(answer) : overview(verbs));
  return chosen;
}

/** A parser without verbs. @param mistake turns a message of yargs into an error */
async function makeParser(name: string, mistake: (message: string) => UsageError): Promise<Argv> {
  const { default: yargs } = await import('yargs');
  return yargs()
    .scriptName(name)
    .detectLocale(false)
    .parserConfiguration({ 'parse-positional-numbers': false })
    .version(versionAndKind())
    .wrap(helpWidth(process.stdout.columns))
    .help()
    .alias('help', 'h')
    .describe({ help: 'show this help', version: 'show the version' })
    .group(['help', 'version'], SHARED_GROUP)
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      throw error && error.name !== 'YError' ? error : mistake(message);
    });
}

/** Adds a verb, whose name is already part of the script name, to yargs; `choose` gets its arguments. */
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
    (args) => choose(withWordsAfterDashes(args, verb) as unknown as SharedArguments),
  );
}

/** Adds the words after `--`, which yargs keeps apart, to the positional arguments. */
function withWordsAfterDashes(args: ArgumentsCamelCase<Values>, { positionals = {} }: AnyVerb): Values {
  const words = args._.map(String);
  const filled: Values = { ...args };
  for (const [name, { array }] of Object.entries(positionals)) {
    if (array) filled[name] = [...((args[name] as unknown[] | undefined) ?? []), ...words.splice(0)];
    else filled[name] ??= words.shift();
  }
  if (words.length > 0) throw new UsageError(`unexpected argument "${words[0]}"`);
  return filled;
}

/** If an option is given twice (perhaps once in an alias), the last value applies, unless it takes several. */
function lastOfEach(args: SharedArguments, { positionals = {}, options }: AnyVerb): SharedArguments {
  const last = ([name, value]: [string, unknown]): [string, unknown] =>
    Array.isArray(value) && !positionals[name]?.array && !options[dashed(name)]?.array
      ? [name, value.at(-1)]
      : [name, value];
  return Object.fromEntries(Object.entries(args).map(last)) as unknown as SharedArguments;
}

/** yargs returns each option also in camel case: `jobOption` for `job-option`. */
function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
