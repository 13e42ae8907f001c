import { type Known, usageMistake } from './commands/mistakes.ts';
import { harmless, hasColour, makeStyle, makeTerminal } from './commands/terminal.ts';
import { type AnyVerb, addVerb, SHARED_OPTIONS, type SharedArguments } from './commands/verb.ts';
import { VERBS } from './commands/verbs.ts';
import { Failure, Interrupted } from './system/errors.ts';
import { version } from './version.ts';

const PROGRAM = 'remote-notebook';
const STREAMS = { out: process.stdout, err: process.stderr, env: process.env };
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs one command line and answers with its exit status. The one place where errors become messages. */
export async function main(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // Whoever reads the result has seen enough, as `head` has; what else is said has no reader.
  process.stdout.on('error', onSignal);
  process.stderr.on('error', () => {});
  try {
    return await runVerb(args, interrupt.signal);
  } catch (error) {
    return explain(error, args.includes('--verbose') || args.includes('-v'));
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

async function runVerb(args: readonly string[], signal: AbortSignal): Promise<number> {
  // Somebody waits for this at each Tab: nothing is loaded for it that it does not need.
  if (args[0] === 'completion' && args[1] === '--words') {
    const { answerShell } = await import('./commands/answer-shell.ts');
    return answerShell(args.slice(2), process.env);
  }
  if (args.length === 0) {
    const { welcome } = await import('./commands/welcome.ts');
    return welcome(makeTerminal({ ...STREAMS, signal, verbose: false, quiet: false }));
  }
  const chosen = await parseVerb(args);
  if (!chosen) return 0;
  const { verbose, json: quiet } = chosen.args;
  return chosen.verb.run(chosen.args as never, makeTerminal({ ...STREAMS, signal, verbose, quiet }));
}

/** The verb that is meant, with its arguments; none when yargs has answered itself: --help, --version. */
async function parseVerb(
  args: readonly string[],
): Promise<{ verb: AnyVerb; args: SharedArguments } | undefined> {
  const { default: yargs } = await import('yargs');
  const [first = ''] = args;
  const only = Object.hasOwn(VERBS, first) ? VERBS[first] : undefined;
  const verbs = only ? [only] : Object.values(VERBS);
  let chosen: { verb: AnyVerb; args: SharedArguments } | undefined;
  const parser = yargs(only ? args.slice(1) : args)
    .scriptName(only ? `${PROGRAM} ${first}` : PROGRAM)
    .detectLocale(false)
    .options(SHARED_OPTIONS)
    .version(version())
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
  // A handler that were a promise would make yargs lay out its help first.
  await parser.parse();
  return chosen;
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

function explain(error: unknown, verbose: boolean): number {
  const style = makeStyle(hasColour(process.stderr, process.env));
  if (!(error instanceof Failure)) {
    console.error(
      style.red('remote-notebook has a bug:'),
      verbose ? error : error instanceof Error ? error.message : error,
    );
    if (!verbose) console.error('Please report it, with what --verbose says.');
    return 1;
  }
  const isInterrupted = error instanceof Interrupted;
  if (hasColour(process.stderr, process.env)) process.stderr.write('\r\x1b[K');
  const say = (text: string) => console.error(harmless(text, process.stderr));
  say(isInterrupted ? error.message : `${style.red('Error')}: ${error.message}`);
  if (error.remedy) say(error.remedy);
  if (verbose) console.error(error.stack, error.cause ?? '');
  return error.exitStatus;
}
