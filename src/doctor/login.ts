import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerSpec } from '../model/server-spec.ts';
import { type Connection, doctorCommand, throughCommand } from '../ssh/arguments.ts';
import { mainLine, sshCause, sshFailure } from '../ssh/messages.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { reason, watchUntil } from '../system/files.ts';
import { endProcessTree, startTimeOf } from '../system/process.ts';
import { run, startBackground } from '../system/run.ts';
import { isOpen, keeperState, readSshOutput } from '../tunnel/keeper.ts';
import { forbiddenForward } from '../tunnel/tunnel.ts';
import { type Check, failed, ok, unchecked, warning } from './check.ts';

const GRACE_MS = 3000;
/** Timeout for a forward to fail: sshd rejects a forbidden one at once. */
const OPEN_MS = 3000;

/** A connection for the checks, and the checks of its login. */
export interface Login {
  readonly checks: readonly Check[];
  /** Undefined when the login failed. */
  readonly connection: Connection | undefined;
  /** Returns what ssh has printed so far. */
  output(): string;
  end(): Promise<void>;
}

/**
 * Logs in as a reconnect does: without a question. If that is refused, uses the server's own connection, if it is open,
 * or else asks the user as `start` does. Writes only a temporary folder that `end` removes.
 */
export async function logIn(connection: Connection, context: Context): Promise<Login> {
  const quiet = await openBriefly(connection, true, context);
  const checks = loginChecks(connection, quiet.output(), quiet.connection !== undefined);
  if (quiet.connection || sshCause(quiet.output()) !== 'authentication') return { ...quiet, checks };
  await quiet.end();
  const state = await keeperState(connection);
  if (state && isOpen(connection, state))
    return {
      checks: withQuestion(checks, 'the open connection'),
      connection,
      output: () => readSshOutput(connection),
      end: async () => {},
    };
  const loud = await openBriefly(connection, false, context);
  if (!loud.connection) return { ...loud, checks };
  return { ...loud, checks: withQuestion(checks, methodIn(loud.output()) ?? 'what you typed') };
}

async function openBriefly(
  connection: Connection,
  isQuiet: boolean,
  context: Context,
): Promise<Omit<Login, 'checks'>> {
  const folder = makeFolder();
  const own = { ...connection, folder, controlPath: join(folder, 'control') };
  const log = join(folder, 'log');
  const { pid, ended } = startBackground(doctorCommand(own, isQuiet), context, log);
  const identity = { pid, startTime: (await startTimeOf(pid)) ?? '' };
  const end = async () => {
    await endProcessTree(identity, GRACE_MS);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    // ssh creates its control socket after the login.
    await watchUntil(folder, () => existsSync(own.controlPath) || undefined, context.signal, ended);
  } catch (error) {
    await end();
    throw error;
  }
  if (existsSync(own.controlPath)) return { connection: own, output: () => readFileSync(log, 'utf8'), end };
  const output = readFileSync(log, 'utf8');
  await end();
  return { connection: undefined, output: () => output, end };
}

/** @throws Failure when the folder cannot be created, or ssh would replace a part of its path */
function makeFolder(): string {
  const place = tmpdir();
  const remedy = 'Set TMPDIR to another folder: TMPDIR=/tmp';
  if (/%|\$\{/.test(place))
    throw new Failure(`the path ${place} contains a % or a \${, which ssh would replace`, { remedy });
  try {
    return mkdtempSync(join(place, 'rn-doctor-'));
  } catch (cause) {
    throw new Failure(`cannot create a folder in ${place}: ${reason(cause)}`, { remedy, cause });
  }
}

function methodIn(output: string): string | undefined {
  return /Authenticated to .* using "([^"]+)"/.exec(output)?.[1];
}

/** Returns the checks of a login without questions up to the first that failed, by the output of `ssh -v`. */
function loginChecks(connection: Connection, output: string, isUp: boolean): Check[] {
  const plain = output.replace(/^debug\d: .*\n?/gm, '');
  const cause = sshCause(plain);
  const { remedy } = sshFailure(connection, plain);
  const key = /Server host key: (\S+ \S+)/.exec(output)?.[1];
  const known = ok('host key', `known: ${key}`);
  if (isUp) {
    const method = methodIn(output) ?? 'a method that ssh does not report';
    return [known, ok('authentication', method), ok('reconnect', 'works without a question')];
  }
  if (cause === 'host-key-unknown') return [failed('host key', 'unknown host key', remedy)];
  if (cause === 'host-key-changed' || key === undefined) return [failed('host key', mainLine(plain), remedy)];
  return [known, failed('authentication', mainLine(plain), remedy)];
}

/** Returns the checks of a login that succeeded only after a question, by the method `how`. */
function withQuestion(checks: readonly Check[], how: string): Check[] {
  return [
    ...checks.filter(({ name }) => name === 'host key'),
    ok('authentication', how),
    warning(
      'reconnect',
      'each login asks a question, so the tunnel cannot reconnect on its own',
      'Install a key with ssh-copy-id (add it to an agent if it has a passphrase), then start again.',
    ),
  ];
}

/** Checks forwarding by a real connection through sshd to the server's port on the host. */
export async function checkForwarding(
  connection: Connection,
  output: () => string,
  { port, socket }: ServerSpec,
  context: Context,
): Promise<Check> {
  const name = 'forwarding';
  // sshd reports the same error for a forbidden socket and a missing one.
  if (socket) return unchecked(name, 'forwarding to a socket can only be checked while a server is running');
  const before = output().length;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(OPEN_MS)]);
  try {
    await run(throughCommand(connection, `127.0.0.1:${port}`), { ...context, signal });
    // The output of the connection has the reason. A port that nothing listens on is no failure.
    if (sshCause(output().slice(before)) === 'forwarding-prohibited') {
      const { message, remedy } = forbiddenForward(connection.destination, `port ${port}`);
      return failed(name, message, remedy);
    }
  } catch (error) {
    if (!(error instanceof Interrupted) || context.signal.aborted) throw error;
  }
  return ok(name, `allowed to port ${port}`);
}
