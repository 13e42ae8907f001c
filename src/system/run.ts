import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Command, shellQuote } from './command.ts';
import type { Context } from './context.ts';
import { Failure, Interrupted } from './errors.ts';

/** Reads zx ahead of the first `run`, which waits for nothing then. */
export function preloadRun(): void {
  void import('zx/core');
}

export interface Result {
  /** The exit status; null when the process was ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Text for the command's standard input, perhaps one that is yet to come; without it, or should it fail, empty. */
  readonly input?: string | Promise<string>;
  /** Called with each complete line of standard output, as it comes; none of it is in the result then. */
  readonly onLine?: (line: string) => void;
  /** A file that takes the command's output instead of the result, for one that leaves a process behind. */
  readonly outputFile?: string;
}

/** The most bytes that are kept of an output: a login may print without end. */
const MOST_KEPT = 10_000_000;

/** What zx keeps of an output. */
class Kept extends Array<string | Buffer> {
  #room: number;

  constructor(room: number) {
    super();
    this.#room = room;
  }

  override push(chunk: string | Buffer): number {
    this.#room -= chunk.length;
    return this.#room < 0 ? this.length : super.push(chunk);
  }
}

/**
 * A command is run as it is, by the sh that every machine has. The last four are set because zx takes them from its
 * user's environment (ZX_TIMEOUT …), where they are meant for scripts of their own.
 */
const OPTIONS = {
  shell: '/bin/sh',
  quote: shellQuote,
  prefix: 'exec ',
  nothrow: true,
  quiet: true,
  postfix: '',
  preferLocal: false,
  detached: false,
  timeout: 0,
} as const;

/**
 * Runs a command to its end and answers with what it said, whatever its exit status.
 * @throws Interrupted when the context's signal is aborted; the command is ended first.
 */
export async function run(command: Command, context: Context, options: RunOptions = {}): Promise<Result> {
  context.report.command(command, options.input !== undefined);
  if (context.signal.aborted) throw new Interrupted();
  const { $ } = await import('zx/core');
  const output = options.outputFile === undefined ? undefined : openSync(options.outputFile, 'a', 0o600);
  const child = $({
    ...OPTIONS,
    cwd: process.cwd(),
    env: childEnvironment(context.env),
    signal: context.signal,
    store: {
      stdout: new Kept(options.onLine ? 0 : MOST_KEPT),
      stderr: new Kept(MOST_KEPT),
      stdall: new Kept(0),
    },
    stdio: output === undefined ? 'pipe' : ['ignore', output, output],
  })`${[...command]}`;
  // A command that ends without reading its input is judged by what it said.
  child.stdin?.on('error', () => {});
  void Promise.resolve(options.input).then(
    (text) => child.stdin?.end(text),
    () => child.stdin?.end(),
  );
  if (options.onLine) eachLine(child.stdout, options.onLine);
  const { exitCode, stdout, stderr } = await child;
  if (output !== undefined) closeSync(output);
  await signalsHandled();
  if (context.signal.aborted) throw new Interrupted();
  // Our sh says so; a host's own 127 has other words.
  if (exitCode === 127 && stderr.includes(`exec: ${command[0]}`))
    throw new Failure(`${command[0]} is not installed, or not on the PATH of this machine`);
  return { code: exitCode, stdout, stderr };
}

/**
 * Lets a signal be handled that came with what was just seen: Ctrl-C ends ssh and tells this process at the same
 * time, and which of the two is noticed first is chance.
 */
export function signalsHandled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Starts a process that outlives this one, in this one's session (so that ssh can ask on its terminal), with
 * its output in `logFile`. Answers with its PID, and with a promise of its end for as long as this process is there.
 */
export function startBackground(
  command: Command,
  context: Context,
  logFile: string,
): { pid: number; ended: Promise<unknown> } {
  context.report.command(command);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(command[0], command.slice(1), {
    stdio: ['ignore', log, log],
    env: childEnvironment(context.env),
  });
  closeSync(log);
  child.unref();
  const ended = once(child, 'exit');
  ended.catch(() => {});
  if (child.pid === undefined) throw new Failure(`${command[0]} cannot be started on this machine`);
  return { pid: child.pid, ended };
}

/**
 * Asks this machine a question by a command that changes nothing, and answers with what it printed:
 * nothing, when it failed or is not there. Neither the user's language nor their time zone is in the answer.
 */
export function outputOf(command: Command): Promise<string> {
  return new Promise((resolve) => {
    const env = { ...childEnvironment(process.env), LC_ALL: 'C', TZ: 'UTC0' };
    const options = { env, maxBuffer: Number.POSITIVE_INFINITY };
    execFile(command[0], command.slice(1), options, (error, stdout) => resolve(error ? '' : stdout));
  });
}

/** The options that `npx zx` needs of Node here would break any other Node program in a child. */
export function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...rest } = env;
  return rest;
}

/** A line that is longer comes in pieces. */
const LONGEST_LINE = 1_000_000;

/** The last line may have no end. */
function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    if (rest.length <= LONGEST_LINE) return;
    onLine(rest);
    rest = '';
  });
  stream.once('end', () => {
    if (rest !== '') onLine(rest);
  });
}
