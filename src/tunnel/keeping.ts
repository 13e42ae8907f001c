import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, masterCommand } from '../ssh/arguments.ts';
import { sshCause, sshFailure } from '../ssh/messages.ts';
import { assetPath } from '../system/asset.ts';
import type { Command } from '../system/command.ts';
import type { Context } from '../system/context.ts';
import { Interrupted } from '../system/errors.ts';
import { watchUntil } from '../system/files.ts';
import {
  endProcessTree,
  type ProcessIdentity,
  sendSignal,
  startTimeOf,
  waitForEnd,
} from '../system/process.ts';
import { preloadRun, signalsHandled, startBackground } from '../system/run.ts';
import { writeOrigin } from './connection.ts';
import { isOpen, type KeeperState, keeperState, readKeeperState, readWords } from './keeper.ts';

/** How long a keeper and its ssh get to end by themselves. */
const GRACE_MS = 3000;

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
  writeOrigin(connection);
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

/**
 * Waits until the keeper has connected, has given up, or has failed once more than `before`. What ssh prints meanwhile (a
 * banner, the explanation of a question) is passed on to the user's terminal.
 */
async function settledState(
  connection: Connection,
  { signal, report }: Context,
  ended: Promise<unknown>,
  before?: KeeperState,
): Promise<KeeperState | undefined> {
  let shown = 0;
  const look = () => {
    const words = readWords(connection);
    // Each round of ssh has a log of its own.
    if (words.length < shown) shown = 0;
    if (words.length > shown && !isRepeated(words)) report.passThrough(words.slice(shown));
    shown = words.length;
    const state = readKeeperState(connection);
    if (!state || isOutdated(state, before)) return undefined;
    return isOpen(connection, state) || isSettled(state, before?.tries ?? 0) ? state : undefined;
  };
  return (await watchUntil(connection.folder, look, signal, ended)) ?? readKeeperState(connection);
}

/** What ends the attempt is told by the failure itself; what is asked again is for the user's eyes now. */
function isRepeated(words: string): boolean {
  return sshCause(words) !== 'other' && !/try again/.test(words);
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
