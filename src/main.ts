import { distance } from 'fastest-levenshtein';
import yargs from 'yargs';
import { aliases } from './commands/aliases.ts';
import { config } from './commands/config.ts';
import { forward } from './commands/forward.ts';
import { hosts } from './commands/hosts.ts';
import { logs } from './commands/logs.ts';
import { open } from './commands/open.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { stop } from './commands/stop.ts';
import { hasColour, makeStyle, makeTerminal } from './commands/terminal.ts';
import { type AnyVerb, addVerb, type SharedArguments } from './commands/verb.ts';
import { Failure, Interrupted, UsageError } from './system/errors.ts';
import { version } from './version.ts';

const VERBS: readonly AnyVerb[] = [start, forward, open, status, stop, logs, hosts, config, aliases];
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
  let exitStatus = 0;
  const run = async (parsed: SharedArguments, verb: AnyVerb) => {
    const { stdout: out, stderr: err, env } = process;
    const terminal = makeTerminal({ env, signal, out, err, verbose: parsed.verbose, quiet: parsed.json });
    exitStatus = await verb.run(parsed as never, terminal);
  };
  const parser = yargs(args)
    .scriptName('remote-notebook')
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
    .parserConfiguration({ 'boolean-negation': true, 'duplicate-arguments-array': false })
    .completion('completion', 'Print a completion script for your shell')
    .version(version())
    .help()
    .alias('help', 'h')
    .strict()
    .demandCommand(1, 'no verb is named')
    .exitProcess(false)
    .fail((message, error) => {
      throw error && error.name !== 'YError' ? error : usageMistake(message, args);
    });
  for (const verb of VERBS) addVerb(parser, verb, run);
  await parser.parseAsync();
  return exitStatus;
}

/** What yargs found wrong, in this project's words, with the nearest verb or option that is right. */
function usageMistake(message: string, args: readonly string[]): UsageError {
  const verb = VERBS.find((other) => verbName(other) === args[0]);
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
      : [...VERBS.map(verbName), 'completion'];
  const near = nearest(word, candidates);
  const what = isOption ? `no option --${word}` : verb ? `no use for "${word}" here` : `no verb "${word}"`;
  return new UsageError(`there is ${what}`, {
    remedy: near ? `Did you mean ${isOption ? '--' : ''}${near}? ${help}` : help,
  });
}

function verbName({ usage }: AnyVerb): string {
  return usage.split(' ')[0] ?? usage;
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
