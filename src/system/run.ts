import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Command, shellQuote } from './command.ts';
import type { Context } from './context.ts';
import { Failure, Interrupted } from './errors.ts';

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
  readonly input?: string | Promise<string>;
  /** Receives each line of standard output, which is not in the result then. */
  readonly onLine?: (line: string) => void;
  /** A file for the output, which is not in the result then; for commands that leave a process running. */
  readonly outputFile?: string;
}

/** Maximum number of bytes kept of an output: a login may keep printing. */
const MAX_KEPT = 10_000_000;

/** The part of an output that zx keeps. */
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
  void Promise.resolve(options.input).then(
    (text) => child.stdin?.end(text),
    () => child.stdin?.end(),
  );
  if (options.onLine) eachLine(child.stdout, options.onLine);
  const { exitCode, stdout, stderr } = await child;
  if (output !== undefined) closeSync(output);
  await signalsHandled();
  if (context.signal.aborted) throw new Interrupted();
  // This is the message of the local sh; a host's status 127 comes with another one.
  if (exitCode === 127 && stderr.includes(`exec: ${command[0]}`))
    throw new Failure(`${command[0]} is not installed on this machine, or not on its PATH`);
  return { code: exitCode, stdout, stderr };
}

/** Waits until pending signals are handled: Ctrl-C reaches ssh and this process at the same time, in any order. */
export function signalsHandled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Starts a process that keeps running after this one, in the same session, so that ssh can ask on the terminal. Its
 * output goes to `logFile`. Returns its PID, and a promise of its end.
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

/** Longer lines are split. */
const MAX_LINE = 1_000_000;

function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    if (rest.length <= MAX_LINE) return;
    onLine(rest);
    rest = '';
  });
  stream.once('end', () => {
    if (rest !== '') onLine(rest);
  });
}
