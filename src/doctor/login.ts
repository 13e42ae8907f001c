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
import { isOpen, keeperState, readWords } from '../tunnel/keeper.ts';
import { type Check, failed, ok, unchecked, warning } from './check.ts';

const GRACE_MS = 3000;
/** A forward that is forbidden ends at once; what is still open by then was opened. */
const OPEN_MS = 3000;

/** A connection for the time of the checks, and what was learnt while it was made. */
export interface Login {
  readonly checks: readonly Check[];
  /** Undefined when no way led in. */
  readonly connection: Connection | undefined;
  /** ssh's words up to now. */
  words(): string;
  end(): Promise<void>;
}

/**
 * Logs in as a reconnect would: without asking. Where that is refused, the server's own connection is used, if it
 * is up, and else the user is asked as `start` asks. Nothing is written but a folder that `end` removes.
 */
export async function logIn(connection: Connection, context: Context): Promise<Login> {
  const quiet = await openBriefly(connection, true, context);
  const checks = loginChecks(connection, quiet.words(), quiet.connection !== undefined);
  if (quiet.connection || sshCause(quiet.words()) !== 'authentication') return { ...quiet, checks };
  await quiet.end();
  const state = await keeperState(connection);
  if (state && isOpen(connection, state))
    return {
      checks: asked(checks, 'the open connection'),
      connection,
      words: () => readWords(connection),
      end: async () => {},
    };
  const loud = await openBriefly(connection, false, context);
  if (!loud.connection) return { ...loud, checks };
  return { ...loud, checks: asked(checks, methodIn(loud.words()) ?? 'what you typed') };
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
    // ssh makes its control socket when it has logged in.
    await watchUntil(folder, () => existsSync(own.controlPath) || undefined, context.signal, ended);
  } catch (error) {
    await end();
    throw error;
  }
  const said = readFileSync(log, 'utf8');
  const isUp = existsSync(own.controlPath);
  if (!isUp) await end();
  return { connection: isUp ? own : undefined, words: () => (isUp ? readFileSync(log, 'utf8') : said), end };
}

/** @throws Failure when no folder can be made there, or ssh would read its path as another */
function makeFolder(): string {
  const place = tmpdir();
  const remedy = 'Name another folder in TMPDIR: TMPDIR=/tmp';
  if (/%|\$\{/.test(place))
    throw new Failure(`the path ${place} holds a % or a \${, which ssh would replace`, { remedy });
  try {
    return mkdtempSync(join(place, 'rn-doctor-'));
  } catch (cause) {
    throw new Failure(`cannot make a folder in ${place}: ${reason(cause)}`, { remedy, cause });
  }
}

function methodIn(words: string): string | undefined {
  return /Authenticated to .* using "([^"]+)"/.exec(words)?.[1];
}

/** The layers of a login up to the first that is broken, read in what `ssh -v` said of one that could ask nothing. */
function loginChecks(connection: Connection, words: string, isUp: boolean): Check[] {
  const plain = words.replace(/^debug\d: .*\n?/gm, '');
  const cause = sshCause(plain);
  const { remedy } = sshFailure(connection, plain);
  const key = /Server host key: (\S+ \S+)/.exec(words)?.[1];
  const known = ok('host key', `known: ${key}`);
  if (isUp) {
    const method = methodIn(words) ?? 'a way that ssh does not tell';
    return [known, ok('authentication', method), ok('reconnect', 'needs no question')];
  }
  if (cause === 'host-key-unknown') return [failed('host key', 'this host was never met', remedy)];
  if (cause === 'host-key-changed' || key === undefined) return [failed('host key', mainLine(plain), remedy)];
  return [known, failed('authentication', mainLine(plain), remedy)];
}

/** The same where another way has led in. */
function asked(checks: readonly Check[], how: string): Check[] {
  return [
    ...checks.filter(({ name }) => name === 'host key'),
    ok('authentication', how),
    warning(
      'reconnect',
      'the host asks at each login: after a sleep the tunnel cannot come back by itself',
      'Install a key, in an agent if it has a passphrase: ssh-copy-id; then start again.',
    ),
  ];
}

/** A real connection through the host's sshd to the server's port of it. */
export async function checkForwarding(
  connection: Connection,
  words: () => string,
  { port, socket }: ServerSpec,
  context: Context,
): Promise<Check> {
  const name = 'forwarding';
  // sshd has the same words for a socket that is forbidden and for one that is not there.
  if (socket) return unchecked(name, 'sshd tells of sockets only when a server listens on one');
  const before = words().length;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(OPEN_MS)]);
  try {
    await run(throughCommand(connection, `127.0.0.1:${port}`), { ...context, signal });
    // The connection says why; that nothing listens there is no matter.
    if (sshCause(words().slice(before)) === 'forwarding-prohibited') {
      return failed(
        name,
        `the host's sshd forbids to forward to its port ${port}`,
        'It is for its administrator to allow: AllowTcpForwarding and PermitOpen in sshd_config, or the restrictions of your key in authorized_keys.',
      );
    }
  } catch (error) {
    if (!(error instanceof Interrupted) || context.signal.aborted) throw error;
  }
  return ok(name, `allowed to port ${port}`);
}
