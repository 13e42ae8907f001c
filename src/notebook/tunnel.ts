import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';
import { type Connection, controlCommand, type Forward, forwardSpec } from '../ssh/arguments.ts';
import { closeConnection, connectionTo, openConnection } from '../ssh/connection.ts';
import { type KeeperState, keeperState } from '../ssh/keeper.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { withLock, writePrivateFile } from '../system/files.ts';
import { sendSignal } from '../system/process.ts';
import type { Notebook } from './notebook.ts';
import { type NotebookRecord, type Records, readRecords } from './state.ts';

/** The keeper answers within milliseconds; a laptop under load may need more. */
const APPLY_TIMEOUT_MS = 20_000;

/** The connection that this notebook's tunnel is on. Notebooks of one destination share it. */
export function connectionOf(notebook: Notebook, env: NodeJS.ProcessEnv): Connection {
  return connectionTo(notebook.destination, notebook.configFile, env);
}

/** The records of all notebooks on this connection. */
function recordsOn(connection: Connection, records: Records, env: NodeJS.ProcessEnv): NotebookRecord[] {
  return Object.values(records).filter(
    ({ notebook, plain }) => !plain && connectionOf(notebook, env).folder === connection.folder,
  );
}

/** Brings the tunnel up, unless it is, with the forwards of all its notebooks. Answers whether it was made anew. */
export async function openTunnel(connection: Connection, context: Context): Promise<boolean> {
  const made = await openConnection(connection, context);
  await applyForwards(connection, context);
  return made;
}

/**
 * Has the keeper make the connection's forwards those of the records, and waits until it has. A connection
 * that is not up is left as it is.
 * @throws Failure when the keeper does not answer.
 */
async function applyForwards(connection: Connection, context: Context): Promise<void> {
  if (!existsSync(connection.folder)) return;
  await withLock(connection.folder, context.signal, () => applyForwardsAlone(connection, context));
}

async function applyForwardsAlone(connection: Connection, context: Context): Promise<void> {
  const forwards = recordsOn(connection, readRecords(context), context.env).flatMap(
    (record) => record.forwards,
  );
  const wanted = [...new Set(forwards.map(forwardSpec))];
  const before = await keeperState(connection);
  await writePrivateFile(join(connection.folder, 'forwards'), wanted.map((line) => `${line}\n`).join(''));
  if (before?.word !== 'connected' || !before.keeper) return;
  if (isApplied(before, wanted) && before.down.length === 0) return;
  for (const forward of forwards) {
    if (!before.up.includes(forwardSpec(forward)))
      context.report.command(controlCommand(connection, 'forward', forward));
  }
  await sendSignal(before.keeper, 'SIGUSR2');
  await stateWhere((state) => state.looked > before.looked && isApplied(state, wanted), connection, context);
}

function isApplied(state: KeeperState, wanted: readonly string[]): boolean {
  const known = [...state.up, ...state.down];
  return known.length === wanted.length && wanted.every((forward) => known.includes(forward));
}

/** Waits for the keeper to write a state that fulfils `condition`. */
function stateWhere(
  condition: (state: KeeperState) => boolean,
  connection: Connection,
  context: Context,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = watch(connection.folder, () => void look());
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      watcher.close();
      context.signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => finish(() => reject(new Interrupted()));
    const timer = setTimeout(() => {
      const failure = new Failure(
        `the keeper of ${connection.destination} did not answer for ${APPLY_TIMEOUT_MS / 1000} s`,
      );
      finish(() => reject(failure));
    }, APPLY_TIMEOUT_MS);
    const look = async () => {
      const state = await keeperState(connection);
      if (state?.word !== 'connected' || condition(state)) finish(resolve);
    };
    context.signal.addEventListener('abort', onAbort);
    void look();
  });
}

/** Whether this forward is held by our ssh now: only then may a token be sent to its port. */
export async function isForwardUp(connection: Connection, forward: Forward): Promise<boolean> {
  const state = await keeperState(connection);
  return state?.word === 'connected' && state.up.includes(forwardSpec(forward));
}

/** Ends the tunnel when no notebook needs it, and else just takes back the forwards that no record names. */
export async function releaseTunnel(connection: Connection, context: Context): Promise<void> {
  if (!existsSync(connection.folder)) return;
  await withLock(connection.folder, context.signal, async () => {
    if (recordsOn(connection, readRecords(context), context.env).length === 0)
      await closeConnection(connection);
    else await applyForwardsAlone(connection, context);
  });
}
