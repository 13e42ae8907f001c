import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, masterCommand } from '../ssh/arguments.ts';
import { sshCause, sshFailure } from '../ssh/messages.ts';
import { assetPath } from '../system/asset.ts';
import type { Command } from '../system/command.ts';
import type { Context } from '../system/context.ts';
import { Interrupted } from '../system/errors.ts';
import { watchUntil } from '../system/files.ts';
import { endProcessTree, sendSignal, startTimeOf, waitForEnd } from '../system/process.ts';
import { preloadRun, signalsHandled, startBackground } from '../system/run.ts';
import { isOpen, type KeeperState, keeperState, readKeeperState, readSshOutput } from './keeper.ts';

/** Timeout for the end of a keeper and its ssh, before they are killed. */
const GRACE_MS = 3000;

/** The command that keeps this connection open: see keeper.sh. */
export function keeperCommand(connection: Connection): Command {
  const { folder, destination } = connection;
  return ['/bin/sh', assetPath('tunnel/keeper.sh'), folder, destination, ...masterCommand(connection)];
}

/**
 * Opens the connection, unless it is open: starts its keeper, whose ssh may ask on the terminal, and waits until ssh has
 * logged in. There is no time limit while the user types; ssh's own ConnectTimeout applies to a silent host.
 * The caller holds the connection's lock.
 * @returns whether the connection is new: then the keeper may be about to set up its forwards
 * @throws SshFailure with ssh's own message when ssh cannot connect; nothing is left running then
 */
export async function openConnection(connection: Connection, context: Context): Promise<boolean> {
  const state = await keeperState(connection);
  if (state && isOpen(connection, state)) return false;
  // A connection without its control socket accepts no more sessions, so it is replaced.
  const keeper = state?.phase === 'connected' ? undefined : state?.keeper;
  if (keeper && (await sendSignal(keeper, 'SIGUSR1'))) {
    // A running keeper tries at once. If it gives up, a new one may ask the user.
    let isWaiting = true;
    const keeperEnded = async () => {
      // The end of a process that is no child can only be polled.
      while (isWaiting && !(await waitForEnd(keeper, 100)));
    };
    const settled = await settledState(connection, context, keeperEnded(), state).finally(() => {
      isWaiting = false;
    });
    if (settled && isOpen(connection, settled)) return true;
    if (settled?.phase === 'reconnecting' || settled?.phase === 'connecting')
      throw sshFailure(connection, settled.message ?? '');
  }
  await startKeeper(connection, context);
  return true;
}

async function startKeeper(connection: Connection, context: Context): Promise<void> {
  // An ssh whose keeper was killed would keep the ports.
  await endProcesses(connection);
  rmSync(join(connection.folder, 'state'), { force: true });
  const keeper = startBackground(keeperCommand(connection), context, join(connection.folder, 'keeper-log'));
  // ssh takes some time to log in: the modules of the next steps are loaded meanwhile.
  preloadRun();
  let state: KeeperState | undefined;
  try {
    state = await settledState(connection, context, keeper.ended);
  } catch (error) {
    // The keeper may not have written its state yet.
    const startTime = await startTimeOf(keeper.pid);
    if (startTime !== undefined) await endProcessTree({ pid: keeper.pid, startTime }, GRACE_MS);
    await closeConnection(connection);
    throw error;
  }
  if (state && isOpen(connection, state)) return;
  const output = readSshOutput(connection);
  await closeConnection(connection);
  await signalsHandled();
  if (context.signal.aborted) throw new Interrupted();
  throw sshFailure(connection, output);
}

/**
 * Waits until the keeper has connected, has given up, or has failed once more than `before`. The user sees what ssh
 * prints meanwhile: a banner, or the explanation of a question.
 */
async function settledState(
  connection: Connection,
  { signal, report }: Context,
  ended: Promise<unknown>,
  before?: KeeperState,
): Promise<KeeperState | undefined> {
  let shown = 0;
  const look = () => {
    const output = readSshOutput(connection);
    // Each ssh has a log of its own.
    if (output.length < shown) shown = 0;
    if (output.length > shown && !isRepeated(output)) report.passThrough(output.slice(shown));
    shown = output.length;
    const state = readKeeperState(connection);
    if (!state || isOutdated(state, before)) return undefined;
    return isOpen(connection, state) || isSettled(state, before?.tries ?? 0) ? state : undefined;
  };
  return (await watchUntil(connection.folder, look, signal, ended)) ?? readKeeperState(connection);
}

/** Whether the failure will show this output again. A question that ssh repeats must be seen now. */
function isRepeated(output: string): boolean {
  return sshCause(output) !== 'other' && !/try again/.test(output);
}

/** Whether the keeper has not yet noticed the end of the ssh that was found dead `before`. */
function isOutdated({ ssh }: KeeperState, before: KeeperState | undefined): boolean {
  return before?.phase === 'reconnecting' && before.ssh !== undefined && ssh?.pid === before.ssh.pid;
}

function isSettled(state: KeeperState, tries: number): boolean {
  const next = state.tries ?? 0;
  if (state.phase === 'reconnecting') return next > tries;
  // The first try after a loss begins at once, and is followed by the next one if it times out.
  if (state.phase === 'connecting') return next > Math.max(tries, 1);
  return true;
}

/** Ends the keeper and its ssh, and removes their folder. Does nothing when there is no connection. */
export async function closeConnection(connection: Pick<Connection, 'folder'>): Promise<void> {
  await endProcesses(connection);
  rmSync(connection.folder, { recursive: true, force: true });
}

async function endProcesses(connection: Pick<Connection, 'folder'>): Promise<void> {
  const state = readKeeperState(connection);
  // The keeper of an open connection ends its ssh, which ends the ssh of each jump host. While a connection is being
  // made, such an ssh may wait for an answer: only the process tree shows it.
  if (state?.phase === 'connected' && state.keeper && (await sendSignal(state.keeper, 'SIGTERM')))
    await waitForEnd(state.keeper, GRACE_MS);
  if (state?.keeper) await endProcessTree(state.keeper, GRACE_MS);
  if (state?.ssh) await endProcessTree(state.ssh, GRACE_MS);
}
