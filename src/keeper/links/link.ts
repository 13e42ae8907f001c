import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  type Connection,
  checkCommand,
  controlCommand,
  emptySessionCommand,
  loginCommand,
  sessionCommand,
} from '../../ssh/arguments.ts';
import type { Command } from '../../system/command.ts';
import { attempt, Failure } from '../../system/errors.ts';
import { watchUntil } from '../../system/files.ts';
import { type ProcessIdentity, sendSignal, startTimeOf } from '../../system/process.ts';
import { type ChildProcess, startChild } from '../../system/run.ts';

/** Timeout for ssh to do what it is asked on its control socket: it takes milliseconds. */
const REQUEST_TIMEOUT_MS = 10_000;

/** The message when ssh does not do what it is asked. */
export const SILENT = 'ssh does not respond';

/** ssh's own exit status, as when its connection was lost. */
const SSH_FAILED = 255;
/** Maximum number of characters that are kept of what ssh prints. */
const MAX_OUTPUT = 10_000;

/** One ssh that has logged in, or is about to: a master, over whose control socket everything else runs. */
export class Link {
  readonly process: ProcessIdentity;
  /** The link to the host through which this one leads to another machine, such as a node of a cluster. */
  readonly through: Link | undefined;
  /** Settles when ssh has ended. */
  readonly ended: Promise<void>;
  /** For how long it has carried a session, in milliseconds: the longest of them. */
  stoodMs = 0;
  readonly #begunAt = performance.now();
  #connection: Connection;
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: string;
  readonly #forwards = new Map<string, Promise<string>>();
  /** The local sockets that were forwarded. */
  readonly #paths: string[] = [];
  #hasEnded = false;
  #firstSession: Promise<unknown> | undefined;

  private constructor(
    connection: Connection,
    process: ProcessIdentity,
    ended: Promise<unknown>,
    log: string,
    env: NodeJS.ProcessEnv,
    through?: Link,
  ) {
    this.#connection = connection;
    this.process = process;
    this.through = through;
    this.#log = log;
    this.#env = env;
    this.ended = ended.then(() => {
      this.#hasEnded = true;
      for (const path of this.#paths) attempt(() => rmSync(path, { force: true }));
    });
  }

  /**
   * Starts an ssh that asks nothing, beside the one that may be there.
   * @param settings further options of ssh
   * @param name of its control socket until it takes the place of another one
   * @param through the link to the host, if it leads to another machine
   */
  static async begin(
    connection: Connection,
    env: NodeJS.ProcessEnv,
    settings: Readonly<Record<string, string | number>>,
    name = 'next',
    through?: Link,
  ): Promise<Link> {
    const controlPath = join(connection.folder, name);
    const log = join(connection.folder, through ? `log-${name}` : 'log');
    // The ssh before may still write into its log.
    for (const path of [controlPath, log]) rmSync(path, { force: true });
    const command = loginCommand(connection, controlPath, false, settings);
    const output = openSync(log, 'w', 0o600);
    const child = startChild(command, { ...env, SSH_ASKPASS_REQUIRE: 'never' }, 'ignore', output);
    closeSync(output);
    const ended = endOf(child);
    const pid = child.pid ?? 0;
    const identity = { pid, startTime: (await startTimeOf(pid)) ?? '' };
    return new Link({ ...connection, controlPath }, identity, ended, log, env, through);
  }

  /** Takes over an ssh that has logged in, and is no child of this process. Undefined if it does not respond. */
  static async adopt(connection: Connection, env: NodeJS.ProcessEnv): Promise<Link | undefined> {
    const { output, failure } = await finished(checkCommand(connection), env);
    if (failure) throw failure;
    const pid = Number(/pid=(\d+)/.exec(output)?.[1]);
    const startTime = await startTimeOf(pid);
    if (startTime === undefined) return undefined;
    // A process that is not a child gives no event when it ends, but ssh then closes this connection.
    const watch = connect(connection.controlPath)
      .on('error', () => {})
      .resume();
    const ended = new Promise((resolve) => watch.once('close', resolve));
    return new Link(connection, { pid, startTime }, ended, join(connection.folder, 'log'), env);
  }

  /** The connection, with the control socket of this ssh. */
  get connection(): Connection {
    return this.#connection;
  }

  /** How long ago ssh was started, in milliseconds. */
  get ageMs(): number {
    return performance.now() - this.#begunAt;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Waits until ssh accepts requests. Returns whether it has logged in. */
  async loggedIn(signal: AbortSignal): Promise<boolean> {
    const { folder, controlPath } = this.connection;
    const look = () => existsSync(controlPath) || undefined;
    return (await watchUntil(folder, look, signal, this.ended)) === true && !this.#hasEnded;
  }

  /** Makes its control socket that of the connection. */
  takePlace(connection: Connection): void {
    if (this.connection.controlPath !== connection.controlPath)
      attempt(() => renameSync(this.connection.controlPath, connection.controlPath));
    this.#connection = connection;
  }

  /** What ssh has printed: at most the last MAX_OUTPUT characters. */
  output(): string {
    return (attempt(() => readFileSync(this.#log, 'utf8')) ?? '').slice(-MAX_OUTPUT);
  }

  /**
   * Connects to a socket or an address on the host, by a forward of a socket in the connection's private folder.
   * @throws Failure when ssh refuses to forward it; sshd's refusal ends the connection without any byte
   */
  async dial(target: string): Promise<Socket> {
    const found = this.#forwards.get(target) ?? this.#forward(target);
    this.#forwards.set(target, found);
    found.catch(() => this.#forwards.delete(target));
    const path = await found;
    return new Promise((resolve, reject) => {
      const socket = connect({ path, allowHalfOpen: true });
      socket
        .once('connect', () => resolve(socket))
        .once('error', (error) => {
          // The socket was removed: the next one makes another.
          this.#forwards.delete(target);
          reject(error);
        });
    });
  }

  /** Starts a command on the host, whose standard input and output are pipes. A host may allow one session at a time. */
  async run(command: string): Promise<ChildProcess> {
    await this.#firstSession;
    return startChild(sessionCommand(this.connection, command), this.#env, 'pipe');
  }

  /**
   * Begins a session that ends at once: only then does sshd set TCP_NODELAY (session.c), which small responses need.
   * Returns whether it has ended in time.
   */
  sendAtOnce(): Promise<boolean> {
    const session = finished(emptySessionCommand(this.connection), this.#env).then(
      ({ code }) => code !== SSH_FAILED,
    );
    this.#firstSession = session;
    return session;
  }

  /** Ends ssh. */
  async end(): Promise<void> {
    if (this.#hasEnded) return;
    // A stopped ssh receives it only then.
    await sendSignal(this.process, 'SIGTERM');
    await sendSignal(this.process, 'SIGCONT');
    const patience = new Promise((resolve) => setTimeout(resolve, 2000).unref());
    await Promise.race([this.ended, patience]);
    if (!this.#hasEnded) await sendSignal(this.process, 'SIGKILL');
  }

  async #forward(target: string): Promise<string> {
    const path = join(this.connection.folder, `f${this.process.pid}-${this.#paths.length}`);
    this.#paths.push(path);
    rmSync(path, { force: true });
    // ssh splits a forward at its colons, and removes a backslash.
    const forward = `${path.replace(/[:\\]/g, '\\$&')}:${target}`;
    const command = controlCommand(this.connection, 'forward', forward);
    const { output, isLate } = await finished(command, this.#env);
    // The next ssh has the same control socket, and may have made it.
    if (this.#hasEnded) rmSync(path, { force: true });
    if (isLate) throw new Failure(SILENT);
    if (!existsSync(path)) throw new Failure(`cannot forward to ${target}: ${output.trim()}`);
    return path;
  }
}

function endOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
}

/** What a local ssh prints on standard error, and its exit status: ssh's own if it had to be ended. */
function finished(
  command: Command,
  env: NodeJS.ProcessEnv,
): Promise<{ output: string; code: number; isLate: boolean; failure: Error | undefined }> {
  const child = startChild(command, env, 'ignore');
  return new Promise((resolve) => {
    let output = '';
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, REQUEST_TIMEOUT_MS);
    child.stderr?.on('data', (chunk) => {
      output += chunk;
    });
    const done = (code: unknown) => {
      clearTimeout(timer);
      const failure = code instanceof Error ? code : undefined;
      resolve({ output, code: typeof code === 'number' ? code : SSH_FAILED, isLate, failure });
    };
    child.once('close', done).once('error', done);
  });
}
