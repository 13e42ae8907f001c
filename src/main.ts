import { inspect } from 'node:util';
import { VERBS } from './commands/verbs.ts';
import { readCommandLine } from './line/command-line.ts';
import { CLEAR, harmless, hasColour, makeStyle, makeTerminal } from './screen/terminal.ts';
import { Failure, Interrupted } from './system/errors.ts';

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
    leaveLostFolder();
    return await runVerb(args, interrupt.signal);
  } catch (error) {
    return explain(error, args.includes('--verbose') || args.includes('-v'));
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

/** From a folder that is no more no program can be started; none of those here needs to be in one. */
function leaveLostFolder(): void {
  try {
    process.cwd();
  } catch {
    process.chdir('/');
  }
}

async function runVerb(args: readonly string[], signal: AbortSignal): Promise<number> {
  if (args.length === 0) {
    const { welcome } = await import('./commands/welcome.ts');
    return welcome(makeTerminal({ ...STREAMS, signal, verbose: false, json: false }));
  }
  const chosen = await readCommandLine(args, VERBS);
  if (!chosen) return 0;
  const { verbose, json } = chosen.args;
  return chosen.verb.run(chosen.args as never, makeTerminal({ ...STREAMS, signal, verbose, json }));
}

function explain(error: unknown, verbose: boolean): number {
  const style = makeStyle(hasColour(process.stderr, process.env));
  // A host's own words may stand in each of these.
  const say = (text: string) => console.error(harmless(text, process.stderr));
  if (!(error instanceof Failure)) {
    const words = verbose ? inspect(error) : error instanceof Error ? error.message : String(error);
    say(`${style.red('remote-notebook has a bug:')} ${words}`);
    if (!verbose) say('Please report it, with what --verbose says.');
    return 1;
  }
  const isInterrupted = error instanceof Interrupted;
  if (hasColour(process.stderr, process.env)) process.stderr.write(CLEAR);
  say(isInterrupted ? error.message : `${style.red('Error')}: ${error.message}`);
  if (error.remedy) say(error.remedy);
  if (verbose) {
    say(error.stack ?? '');
    if (error.cause !== undefined) say(inspect(error.cause));
  }
  return error.exitStatus;
}
