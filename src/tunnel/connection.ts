import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Connection, masterCommand } from '../ssh/arguments.ts';
import { sshCause, sshFailure } from '../ssh/messages.ts';
import { isHeld, removeLock, withLock } from '../state/lock.ts';
import { assetPath } from '../system/asset.ts';
import type { Command } from '../system/command.ts';
import type { Context } from '../system/context.ts';
import { Interrupted, UsageError } from '../system/errors.ts';
import { ensurePrivateFolder, watchFolder, writePassingFile } from '../system/files.ts';
import { stateFolder } from '../system/paths.ts';
import {
  endProcessTree,
  type ProcessIdentity,
  sendSignal,
  startTimeOf,
  waitForEnd,
} from '../system/process.ts';
import { preloadRun, signalsHandled, startBackground } from '../system/run.ts';
import { type KeeperState, keeperState, readKeeperState } from './keeper.ts';

/** A control path may have so many bytes: sun_path on macOS is 104, and ssh binds it with 17 more at first. */
const CONTROL_PATH_BYTES = 86;
/** How long a keeper and its ssh get to end by themselves. */
const GRACE_MS = 3000;

/**
 * The connection to a destination, up or not. Its folder's name is made of what ssh is told, so that every
 * command finds the same one.
 * @throws UsageError when the state folder has a path that is too long, or that ssh would read as another.
 */
export function connectionTo(
  destination: string,
  sshConfig: string | undefined,
  env: NodeJS.ProcessEnv,
): Connection {
  const identity = JSON.stringify([destination, sshConfig ?? null]);
  const name = shortHash(identity);
  const folder = join(stateFolder(env), 'c', name);
  const controlPath = join(folder, 'control');
  if (Buffer.byteLength(controlPath) > CONTROL_PATH_BYTES) {
    throw new UsageError(
      `the path ${controlPath} is too long for a control socket (${CONTROL_PATH_BYTES} bytes)`,
      {
        remedy: 'Name a shorter folder in XDG_STATE_HOME.',
      },
    );
  }
  // ssh_config(5): ControlPath takes tokens and variables of the environment.
  if (/%|\$\{/.test(controlPath)) {
    throw new UsageError(
      `the path ${controlPath} holds a % or a \${, which ssh would replace by something else`,
      {
        remedy: 'Name another folder in XDG_STATE_HOME.',
      },
    );
  }
  return { destination, sshConfig, folder, controlPath };
}

/** What stands in a connection's folder, so that it can be found again by nothing else. */
const ORIGIN = 'origin';

/** The connections that have a folder here, up or not. One whose folder does not tell what it was for is left out. */
export function knownConnections(env: NodeJS.ProcessEnv): Connection[] {
  const rooms = join(stateFolder(env), 'c');
  const names = existsSync(rooms) ? readdirSync(rooms) : [];
  return names.flatMap((name) => {
    try {
      const [destination = '', sshConfig] = readFileSync(join(rooms, name, ORIGIN), 'utf8').split('\n');
      const connection = connectionTo(destination, sshConfig || undefined, env);
      return connection.folder === join(rooms, name) ? [connection] : [];
    } catch {
      return [];
    }
  });
}

/** FNV-1a of 64 bits, in 13 letters and digits: reading node:crypto would cost each command two milliseconds. */
function shortHash(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(36);
}

/** The command of the keeper of this connection. */
export function keeperCommand(connection: Connection): Command {
  return [
    '/bin/sh',
    assetPath('tunnel/keeper.sh'),
    connection.folder,
    connection.destination,
    ...masterCommand(connection),
  ];
}

/** Does `work` while no other command opens, closes or changes this connection. Makes its folder. */
export async function withConnectionLock<T>(
  connection: Connection,
  context: Context,
  work: () => Promise<T>,
): Promise<T> {
  ensureRooms(connection);
  ensurePrivateFolder(connection.folder);
  return withLock(connection.folder, context.signal, async () => {
    // Whoever had the lock before may have closed the connection.
    ensurePrivateFolder(connection.folder);
    return work();
  });
}

function ensureRooms({ folder }: Connection): void {
  const rooms = dirname(folder);
  for (const above of [dirname(rooms), rooms]) ensurePrivateFolder(above);
}

/** Does `work` while the connection counts as claimed, also by others: a lock that nobody else wants tells that this process lives. */
export function withClaim<T>(connection: Connection, context: Context, work: () => Promise<T>): Promise<T> {
  ensureRooms(connection);
  const claim = `${connection.folder}-${Math.random().toString(36).slice(2)}`;
  return withLock(claim, context.signal, work);
}

/** Whether a command that lives has a claim on the connection. Changes nothing. */
export async function isClaimed(connection: Pick<Connection, 'folder'>): Promise<boolean> {
  return (await Promise.all(claimsOn(connection).map(isHeld))).includes(true);
}

/** Removes the claims of commands that were killed. */
export async function removeDeadClaims(
  connection: Pick<Connection, 'folder'>,
  { signal }: Context,
): Promise<void> {
  for (const claim of claimsOn(connection)) await removeLock(claim, signal);
}

function claimsOn({ folder }: Pick<Connection, 'folder'>): string[] {
  const rooms = dirname(folder);
  return readdirSync(rooms)
    .filter((name) => name.startsWith(`${basename(folder)}-`) && name.endsWith('.lock'))
    .map((name) => join(rooms, name));
}

/**
 * Brings the connection up, unless it is: starts its keeper, whose ssh may ask on the terminal, and waits until ssh has
 * logged in. There is no time limit while the user types; ssh's own ConnectTimeout ends an attempt that nobody answers.
 * The caller holds the connection's lock.
 * @returns whether it was made anew: then the keeper may be about to set up its forwards
 * @throws SshFailure with ssh's own words when it cannot be made; nothing is left running then.
 */
export async function openConnection(connection: Connection, context: Context): Promise<boolean> {
  const state = await keeperState(connection);
  if (state && isOpen(connection, state)) return false;
  // A connection whose control socket was deleted takes no more sessions: it is made anew.
  if (state?.word !== 'connected' && state?.keeper && (await sendSignal(state.keeper, 'SIGUSR1'))) {
    // A keeper is at it, and tries at once. Should it give up, a new one may ask the user.
    const answered = new AbortController();
    const gone = keeperGone(state.keeper, answered.signal);
    const settled = await settledState(connection, context, gone, state).finally(() => answered.abort());
    if (settled && isOpen(connection, settled)) return true;
    if (settled?.word === 'reconnecting' || settled?.word === 'connecting')
      throw sshFailure(connection, settled.said ?? '');
  }
  await startKeeper(connection, context);
  return true;
}

async function startKeeper(connection: Connection, context: Context): Promise<void> {
  // An ssh whose keeper was killed would keep the ports.
  await endProcesses(connection);
  rmSync(join(connection.folder, 'state'), { force: true });
  const origin = [connection.destination, connection.sshConfig ?? '', ''].join('\n');
  writePassingFile(join(connection.folder, ORIGIN), origin);
  const keeper = startBackground(keeperCommand(connection), context, join(connection.folder, 'keeper-log'));
  // While ssh logs in there is time to read what the next steps need.
  preloadRun();
  let state: KeeperState | undefined;
  try {
    state = await settledState(connection, context, keeper.ended);
  } catch (error) {
    // It may not have written yet who it is.
    const startTime = await startTimeOf(keeper.pid);
    if (startTime !== undefined) await endProcessTree({ pid: keeper.pid, startTime }, GRACE_MS);
    await closeConnection(connection);
    throw error;
  }
  if (state && isOpen(connection, state)) return;
  const words = readWords(connection);
  await closeConnection(connection);
  await signalsHandled();
  if (context.signal.aborted) throw new Interrupted();
  throw sshFailure(connection, words);
}

/** What ssh said in its last round. */
export function readWords(connection: Connection): string {
  return ['keeper-log', 'log']
    .map((name) => {
      try {
        return readFileSync(join(connection.folder, name), 'utf8');
      } catch {
        return '';
      }
    })
    .join('');
}

/**
 * Waits until the keeper has connected, has given up, or has failed once more than `before`: an event of
 * the file system, no look at a clock. What ssh says meanwhile (a banner, the explanation of a question) goes
 * on to the user's terminal.
 */
function settledState(
  connection: Connection,
  context: Context,
  ended: Promise<unknown>,
  before?: KeeperState,
): Promise<KeeperState | undefined> {
  return new Promise((resolve, reject) => {
    let shown = 0;
    const look = () => {
      const words = readWords(connection);
      // Each round of ssh has a log of its own.
      if (words.length < shown) shown = 0;
      if (words.length > shown && !isRepeated(words)) context.report.passThrough(words.slice(shown));
      shown = words.length;
      const state = readKeeperState(connection);
      if (!state || isOutdated(state, before)) return;
      if (isOpen(connection, state) || isSettled(state, before?.tries ?? 0)) finish(() => resolve(state));
    };
    const onAbort = () => finish(() => reject(new Interrupted()));
    const endWatch = watchFolder(connection.folder, look);
    const finish = (settle: () => void) => {
      endWatch();
      context.signal.removeEventListener('abort', onAbort);
      settle();
    };
    if (context.signal.aborted) return onAbort();
    context.signal.addEventListener('abort', onAbort);
    ended.then(
      () => finish(() => resolve(readKeeperState(connection))),
      (error) => finish(() => reject(error)),
    );
    look();
  });
}

/** What ends the attempt is told by the failure itself; what is asked again is for the user's eyes now. */
function isRepeated(words: string): boolean {
  return sshCause(words) !== 'other' && !/try again/.test(words);
}

/** Whether ssh takes sessions now. It makes its control socket when it has logged in, just before the keeper hears of it. */
export function isOpen({ controlPath }: Connection, { word }: KeeperState): boolean {
  return (word === 'connected' || word === 'connecting') && existsSync(controlPath);
}

/** Whether the keeper has yet to write of the end of the ssh that was found dead `before`. */
function isOutdated({ ssh }: KeeperState, before: KeeperState | undefined): boolean {
  return before?.word === 'reconnecting' && before.ssh !== undefined && ssh?.pid === before.ssh.pid;
}

function isSettled(state: KeeperState, tries: number): boolean {
  const next = state.tries ?? 0;
  if (state.word === 'reconnecting') return next > tries;
  // The first try after a loss is under way at once, and one that nobody answers is followed by the next.
  if (state.word === 'connecting') return next > Math.max(tries, 1);
  return true;
}

/** The end of a keeper that another command started: no event tells it, so it is looked for, `until` nobody asks. */
async function keeperGone(keeper: ProcessIdentity, until: AbortSignal): Promise<void> {
  while (!until.aborted && !(await waitForEnd(keeper, 100)));
}

/** Ends the keeper and its ssh, and removes what they left. A connection that is not there is no failure. */
export async function closeConnection(connection: Pick<Connection, 'folder'>): Promise<void> {
  await endProcesses(connection);
  rmSync(connection.folder, { recursive: true, force: true });
}

async function endProcesses(connection: Pick<Connection, 'folder'>): Promise<void> {
  const state = readKeeperState(connection);
  // The keeper of an open connection ends ssh, and that what leads it over jump hosts. While one is being made, such an
  // ssh may sit there and ask: only a look at the processes finds it.
  if (state?.word === 'connected' && state.keeper && (await sendSignal(state.keeper, 'SIGTERM')))
    await waitForEnd(state.keeper, GRACE_MS);
  if (state?.keeper) await endProcessTree(state.keeper, GRACE_MS);
  if (state?.ssh) await endProcessTree(state.ssh, GRACE_MS);
}
