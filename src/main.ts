import { inspect } from 'node:util';
import { VERBS } from './commands/verbs.ts';
import { welcome } from './commands/welcome.ts';
import { readCommandLine } from './line/command-line.ts';
import { CLEAR, harmless, hasColour, makeStyle, makeTerminal } from './screen/terminal.ts';
import { errorCode, Failure, Interrupted, limitRemedy } from './system/errors.ts';
import { reason } from './system/files.ts';

const STREAMS = { out: process.stdout, err: process.stderr, env: process.env };
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs one command line and returns its exit status. Only this function turns errors into messages. */
export async function main(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.stdout.on('error', (error) => {
    interrupt.abort();
    failUnlessUnread(error);
  });
  // Nobody reads the messages then.
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

/** A result that cannot be written, as on a full disk, is a failure. Its reader may stop early, as `head` does. */
function failUnlessUnread(error: Error): void {
  if (errorCode(error) === 'EPIPE') return;
  explain(new Failure(`cannot write the result: ${reason(error)}`, { remedy: limitRemedy(error) }), false);
  // The verb may have ended already.
  process.once('exit', () => {
    process.exitCode = 1;
  });
}

/** No program can be started in a folder that was deleted. */
function leaveLostFolder(): void {
  try {
    process.cwd();
  } catch {
    process.chdir('/');
  }
}

async function runVerb(args: readonly string[], signal: AbortSignal): Promise<number> {
  if (args.length === 0) return welcome(makeTerminal({ ...STREAMS, signal, verbose: false, json: false }));
  const chosen = await readCommandLine(args, VERBS);
  if (!chosen) return 0;
  const { verbose, json } = chosen.args;
  return chosen.verb.run(chosen.args as never, makeTerminal({ ...STREAMS, signal, verbose, json }));
}

/** A limit of this machine, such as a full disk, is not a bug. */
function explain(thrown: unknown, verbose: boolean): number {
  const remedy = limitRemedy(thrown);
  const error = remedy === undefined ? thrown : new Failure(reason(thrown), { remedy, cause: thrown });
  const style = makeStyle(hasColour(process.stderr, process.env));
  // Messages may contain output of a host.
  const show = (text: string) => console.error(harmless(text, process.stderr));
  if (!(error instanceof Failure)) {
    const message = verbose ? inspect(error) : error instanceof Error ? error.message : String(error);
    show(`${style.red('remote-notebook has a bug:')} ${message}`);
    if (!verbose)
      show('Please report it, with the output of --verbose and the file that remote-notebook report writes.');
    return 1;
  }
  if (hasColour(process.stderr, process.env)) process.stderr.write(CLEAR);
  show(error instanceof Interrupted ? error.message : `${style.red('Error')}: ${error.message}`);
  if (error.remedy) show(error.remedy);
  if (verbose) {
    show(error.stack ?? '');
    if (error.cause !== undefined) show(inspect(error.cause));
  }
  return error.exitStatus;
}
