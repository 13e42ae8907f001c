import { distance } from 'fastest-levenshtein';
import yargs from 'yargs';
import { hasColour, makeStyle, makeTerminal } from './commands/terminal.ts';
import { type AnyVerb, addVerb, type SharedArguments } from './commands/verb.ts';
import { Failure, Interrupted, UsageError } from './system/errors.ts';
import { version } from './version.ts';

/** Each verb's file is read only when it is needed: most commands need one. */
const VERBS: Readonly<Record<string, () => Promise<AnyVerb>>> = {
  start: async () => (await import('./commands/start.ts')).start,
  forward: async () => (await import('./commands/forward.ts')).forward,
  open: async () => (await import('./commands/open.ts')).open,
  status: async () => (await import('./commands/status.ts')).status,
  stop: async () => (await import('./commands/stop.ts')).stop,
  logs: async () => (await import('./commands/logs.ts')).logs,
  hosts: async () => (await import('./commands/hosts.ts')).hosts,
  config: async () => (await import('./commands/config.ts')).config,
  aliases: async () => (await import('./commands/aliases.ts')).aliases,
};
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs one command line and answers with its exit status. The one place where errors become messages. */
export async function main(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    return await runVerb(args, interrupt.signal);
  } catch (error) {
    return explain(error, args.includes('--verbose') || args.includes('-v'));
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

async function runVerb(args: readonly string[], signal: AbortSignal): Promise<number> {
  const chosen = await parseVerb(args);
  if (!chosen) return 0;
  const { stdout: out, stderr: err, env } = process;
  const { verbose, json: quiet } = chosen.args;
  return chosen.verb.run(chosen.args as never, makeTerminal({ env, signal, out, err, verbose, quiet }));
}

/** The verb that is meant, with its arguments; none when yargs has answered itself: --help, --version. */
async function parseVerb(
  args: readonly string[],
): Promise<{ verb: AnyVerb; args: SharedArguments } | undefined> {
  const only = VERBS[args[0] ?? ''];
  const verbs = await Promise.all((only ? [only] : Object.values(VERBS)).map((load) => load()));
  let chosen: { verb: AnyVerb; args: SharedArguments } | undefined;
  const parser = yargs(args)
    .scriptName('remote-notebook')
    .detectLocale(false)
    .usage('$0 VERB [NOTEBOOK]\n\nJupyter on any machine that you can ssh to, as if it were local.')
    .options({
      verbose: {
        alias: 'v',
        type: 'boolean',
        default: false,
        global: true,
        describe: 'show each command as it runs',
      },
      json: {
        type: 'boolean',
        default: false,
        global: true,
        describe: 'one JSON document on standard output',
      },
    })
    .parserConfiguration({ 'duplicate-arguments-array': false })
    .completion('completion', 'Print a completion script for your shell')
    .version(version())
    .help()
    .alias('help', 'h')
    .strict()
    .demandCommand(1, 'no verb is named')
    .exitProcess(false)
    .fail((message, error) => {
      throw error && error.name !== 'YError' ? error : usageMistake(message, args, only && verbs[0]);
    });
  for (const verb of verbs) {
    addVerb(parser, verb, (parsed) => {
      chosen = { verb, args: parsed };
    });
  }
  // A handler that were a promise would make yargs lay out its help first.
  await parser.parse();
  return chosen;
}

/** What yargs found wrong, in this project's words, with the nearest verb or option that is right. */
function usageMistake(message: string, args: readonly string[], verb: AnyVerb | undefined): UsageError {
  const help = `See: remote-notebook ${verb ? `${args[0]} ` : ''}--help`;
  const word = /^Unknown (?:argument|command)s?: (.+)$/.exec(message)?.[1]?.split(', ')[0];
  if (word === undefined) return new UsageError(message.replace(/\s*\n\s*/g, ' '), { remedy: help });
  const isOption = args.some(
    (argument) => argument.startsWith(`-${word}`) || argument.startsWith(`--${word}`),
  );
  const candidates = isOption
    ? [...Object.keys(verb?.options ?? {}), 'verbose', 'json', 'help'].filter((name) => name.length > 1)
    : verb
      ? []
      : [...Object.keys(VERBS), 'completion'];
  const near = nearest(word, candidates);
  const what = isOption ? `no option --${word}` : verb ? `no use for "${word}" here` : `no verb "${word}"`;
  return new UsageError(`there is ${what}`, {
    remedy: near ? `Did you mean ${isOption ? '--' : ''}${near}? ${help}` : help,
  });
}

function nearest(word: string, candidates: readonly string[]): string | undefined {
  const near = candidates.filter((candidate) => distance(word, candidate) <= Math.max(2, word.length / 3));
  return near.sort((a, b) => distance(word, a) - distance(word, b))[0];
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
  console.error(
    isInterrupted ? 'Interrupted; nothing is left behind.' : `${style.red('Error')}: ${error.message}`,
  );
  if (error.remedy) console.error(error.remedy);
  if (verbose) console.error(error.stack, error.cause ?? '');
  return error.exitStatus;
}
