import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import { type Command, shellQuote } from './command.ts';
import type { Context } from './context.ts';
import { Failure, Interrupted, limitRemedy } from './errors.ts';
import { reason } from './files.ts';
import { eachLine, type OnLine } from './streams/lines.ts';

export type { ChildProcess };

/** Loads zx before the first `run` needs it. */
export function preloadRun(): void {
  void import('zx/core');
}

export interface Result {
  /** The exit status; null when a signal ended the process. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Standard input of the command; empty by default, or if the promise rejects. */
  readonly input?: string | Buffer | Promise<string> | Readable;
  /** Receives each line of standard output, which is not in the result then. */
  readonly onLine?: OnLine;
  /** A file for the output, which is not in the result then; for commands that leave a process running. */
  readonly outputFile?: string;
}

/** Maximum number of bytes kept of an output: a login may keep printing. */
const MAX_KEPT = 10_000_000;
/** The memory that a chunk takes besides its bytes: a login may print them one by one. */
const CHUNK_BYTES = 200;

/** The part of an output that zx keeps. */
class Kept extends Array<string | Buffer> {
  #room: number;

  constructor(room: number) {
    super();
    this.#room = room;
  }

  override push(chunk: string | Buffer): number {
    this.#room -= chunk.length + CHUNK_BYTES;
    return this.#room < 0 ? this.length : super.push(chunk);
  }
}

/** The last four override variables in the user's environment (ZX_TIMEOUT …), which are for other scripts. */
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
 * Runs a command, and returns its output, whatever its exit status.
 * @throws Interrupted when the context's signal is aborted; the command is ended first
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
      stdout: new Kept(options.onLine ? 0 : MAX_KEPT),
      stderr: new Kept(MAX_KEPT),
      stdall: new Kept(0),
    },
    stdio: output === undefined ? 'pipe' : ['ignore', output, output],
  })`${[...command]}`;
  // A command may end without reading its input.
  child.stdin?.on('error', () => {});
  if (options.input instanceof Readable) options.input.pipe(child.stdin);
  else
    void Promise.resolve(options.input).then(
      (text) => child.stdin?.end(text),
      () => child.stdin?.end(),
    );
  // There is no output if the process could not be started.
  if (options.onLine && child.stdout) eachLine(child.stdout, options.onLine);
  const { exitCode, stdout, stderr, cause } = await child;
  if (output !== undefined) closeSync(output);
  await signalsHandled();
  if (context.signal.aborted) throw new Interrupted();
  if (cause) throw notStarted(command, cause);
  // This is the message of the local sh; a host's status 127 comes with another one.
  if (exitCode === 127 && stderr.includes(`exec: ${command[0]}`))
    throw new Failure(`${command[0]} is not installed on this machine, or not on its PATH`);
  return { code: exitCode, stdout, stderr };
}

/**
 * Runs a command that asks on the terminal.
 * @param output where its standard output goes; by default to standard error
 * @returns its exit status; null when a signal ended it
 * @throws Interrupted when the context's signal is aborted, Failure when the command cannot be started
 */
export async function runOnTerminal(
  command: Command,
  context: Context,
  output: 1 | 2 = 2,
): Promise<number | null> {
  context.report.command(command);
  const env = childEnvironment(context.env);
  const child = spawn(command[0], command.slice(1), { stdio: ['inherit', output, 2], env });
  const [code] = await once(child, 'exit').catch((cause: unknown) => {
    throw notStarted(command, cause);
  });
  await signalsHandled();
  if (context.signal.aborted) throw new Interrupted();
  return code;
}

/** Waits until pending signals are handled: Ctrl-C reaches ssh and this process at the same time, in any order. */
export function signalsHandled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Maximum size of a file that a background process writes, in blocks of 512 bytes (64 MB): the banners of a host or a
 * ProxyCommand may fill the disk. Without the signal, writing more is an error that ssh ignores. It applies to all files
 * that the process writes, such as known_hosts, so it is far above the size of any of them.
 */
const LIMIT_FILES = `ulimit -f 131072 2>/dev/null; trap '' XFSZ; exec "$@"`;

/**
 * Starts a process that keeps running after this one, in the same session, so that ssh can ask on the terminal. Its
 * output goes to `logFile`, which has at most 64 MB. Returns its PID, and a promise of its end.
 * @throws Failure when it cannot be started
 */
export async function startBackground(
  command: Command,
  context: Context,
  logFile: string,
): Promise<{ pid: number; ended: Promise<unknown> }> {
  context.report.command(command);
  const limited: Command = ['/bin/sh', '-c', LIMIT_FILES, 'sh', ...command];
  return startLasting(limited, { env: childEnvironment(context.env) }, logFile, command);
}

/** @param named the command that a failure names */
async function startLasting(
  [program, ...args]: Command,
  options: { readonly env: NodeJS.ProcessEnv; readonly detached?: true },
  logFile: string,
  named: Command,
): Promise<{ pid: number; ended: Promise<unknown> }> {
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(program, args, { ...options, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  const ended = once(child, 'exit');
  ended.catch(() => {});
  if (child.pid === undefined) throw notStarted(named, await ended.catch((cause: unknown) => cause));
  return { pid: child.pid, ended };
}

function notStarted([program]: Command, cause: unknown): Failure {
  const message = `${program} cannot be started on this machine: ${reason(cause)}`;
  return new Failure(message, { remedy: limitRemedy(cause), cause });
}

/**
 * Starts a process that keeps running after this one, in a session of its own: neither a Ctrl-C nor the end of the
 * terminal reaches it. Its output goes to `logFile`. Returns its PID, and a promise of its end.
 * @throws Failure when it cannot be started
 */
export async function startDetached(
  command: Command,
  context: Context,
  logFile: string,
): Promise<{ pid: number; ended: Promise<unknown> }> {
  context.report.command(command);
  const env = withoutNpm(childEnvironment(context.env));
  return startLasting(command, { env, detached: true }, logFile, command);
}

/** Without npm's own variables, which are about the folder from which a command was started. */
function withoutNpm(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('npm_')));
}

/** The output of a local command that changes nothing, in English and UTC; empty if it fails or is not installed. */
export function outputOf(command: Command): Promise<string> {
  return new Promise((resolve) => {
    const env = { ...childEnvironment(process.env), LC_ALL: 'C', TZ: 'UTC0' };
    const options = { env, maxBuffer: Number.POSITIVE_INFINITY };
    execFile(command[0], command.slice(1), options, (error, stdout) => resolve(error ? '' : stdout));
  });
}

/** Without NODE_OPTIONS, which `npx zx` needs here, but which would break other Node programs. */
export function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...rest } = env;
  return rest;
}

/**
 * Starts a process for a keeper, which waits for its end.
 * @param io what its standard input and output are: nothing, or pipes
 * @param errors where its standard error goes: to an open file, to a pipe, or nowhere
 */
export function startChild(
  command: Command,
  env: NodeJS.ProcessEnv,
  io: 'ignore' | 'pipe',
  errors: number | 'ignore' | 'pipe' = 'pipe',
): ChildProcess {
  return spawn(command[0], command.slice(1), {
    env: childEnvironment(env),
    stdio: [io, io, errors],
  });
}
