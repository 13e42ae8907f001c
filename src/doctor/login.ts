import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, doctorCommand } from '../ssh/arguments.ts';
import { isByProxy } from '../ssh/causes/cause.ts';
import { connectionFailure } from '../ssh/causes/failure.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { readSince, reason, watchUntil } from '../system/files.ts';
import { endProcessTree, startTimeOf } from '../system/process.ts';
import { startBackground } from '../system/run.ts';
import { isOpen, keeperState } from '../tunnel/keeper.ts';
import { type Check, failed, ok, warning } from './check.ts';

const GRACE_MS = 3000;

/** A connection for the checks, and the checks of its login. */
export interface Login {
  readonly checks: readonly Check[];
  /** Undefined when the login failed. */
  readonly connection: Connection | undefined;
  end(): Promise<void>;
}

/** An ssh that was started for the checks, and what it printed until the end of its login. */
type Opened = Omit<Login, 'checks'> & { readonly output: string };

/**
 * Logs in as a reconnect does: without a question. If that is refused, uses the server's own connection, if it is open,
 * or else asks the user as `start` does. Writes only a temporary folder that `end` removes.
 */
export async function logIn(connection: Connection, context: Context): Promise<Login> {
  const quiet = await openBriefly(connection, true, context);
  if (quiet.connection) return { ...quiet, checks: goodChecks(quiet.output) };
  const { checks, isRefused } = await badChecks(connection, quiet.output, context);
  if (!isRefused) return { ...quiet, checks };
  await quiet.end();
  const state = await keeperState(connection);
  if (state && isOpen(connection, state))
    return {
      checks: withQuestion(checks, 'the open connection'),
      connection,
      end: async () => {},
    };
  const loud = await openBriefly(connection, false, context);
  if (!loud.connection) return { ...loud, checks };
  return { ...loud, checks: withQuestion(checks, methodIn(loud.output) ?? 'what you typed') };
}

async function openBriefly(connection: Connection, isQuiet: boolean, context: Context): Promise<Opened> {
  const folder = makeFolder();
  const own = { ...connection, folder, controlPath: join(folder, 'control') };
  const log = join(folder, 'log');
  const { pid, ended } = await startBackground(doctorCommand(own, isQuiet), context, log);
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
  const output = readSince(log, 0).text;
  context.report.passThrough(output, true);
  if (existsSync(own.controlPath)) return { connection: own, output, end };
  await end();
  return { connection: undefined, output, end };
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
  return [...output.matchAll(/Authenticated to .* using "([^"]+)"/g)].at(-1)?.[1];
}

/** Returns the checks of a login that succeeded without a question, by the output of `ssh -v`. */
function goodChecks(output: string): Check[] {
  const method = methodIn(output) ?? 'a method that ssh does not report';
  const sshd = [...output.matchAll(/remote software version (\S+)/g)].at(-1)?.[1];
  return [
    knownKey(output),
    ok('authentication', sshd ? `${method}, by ${sshd}` : method),
    ok('reconnect', 'works without asking you'),
  ];
}

/** Returns the checks of a login up to the one that failed, by the output of `ssh -v`, and whether a question may help. */
async function badChecks(
  connection: Connection,
  output: string,
  context: Context,
): Promise<{ checks: Check[]; isRefused: boolean }> {
  const plain = output.replace(/^debug\d: .*\n?/gm, '');
  const { reason, step, line, remedy } = await connectionFailure(connection, plain, context);
  if (isByProxy(plain))
    return { checks: [failed('reach', line, remedy)], isRefused: step === 'authentication' };
  const found = reason === 'host-key-unknown' ? 'unknown host key' : line;
  if (step !== 'authentication' || hostKeyIn(output) === undefined)
    return { checks: [failed('host key', found, remedy)], isRefused: false };
  return { checks: [knownKey(output), failed('authentication', found, remedy)], isRefused: true };
}

/** The key of the host, after those of its jump hosts. */
function hostKeyIn(output: string): string | undefined {
  return [...output.matchAll(/Server host key: (\S+ \S+)/g)].at(-1)?.[1];
}

function knownKey(output: string): Check {
  return ok('host key', `known: ${hostKeyIn(output)}`);
}

/** Returns the checks of a login that succeeded only after a question, by the method `how`. */
function withQuestion(checks: readonly Check[], how: string): Check[] {
  return [
    ...checks.filter(({ verdict }) => verdict === 'ok'),
    ok('authentication', how),
    warning(
      'reconnect',
      'each login asks a question, so the tunnel cannot reconnect on its own',
      'Install a key with ssh-copy-id (add it to an agent if it has a passphrase), then start again.',
    ),
  ];
}
