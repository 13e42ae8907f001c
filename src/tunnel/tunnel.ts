import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerSpec } from '../model/server-spec.ts';
import { type Connection, controlCommand, type Forward, forwardSpec } from '../ssh/arguments.ts';
import {
  allForwards,
  type Forwards,
  type Named,
  parseForwards,
  type Records,
  readRecords,
  type ServerRecord,
} from '../state/records.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { watchUntil, writePassingFile } from '../system/files.ts';
import { sendSignal } from '../system/process.ts';
import { connectionTo, isClaimed, removeDeadClaims, withClaim, withConnectionLock } from './connection.ts';
import { isOpen, type KeeperState, keeperState } from './keeper.ts';
import { closeConnection, openConnection } from './keeping.ts';

/** The keeper answers within milliseconds; a laptop under load may need more. */
const APPLY_TIMEOUT_MS = 20_000;

/** The connection that this server's tunnel is on. Servers of one destination share it. */
export function connectionOf(spec: ServerSpec, env: NodeJS.ProcessEnv): Connection {
  return connectionTo(spec.destination, spec.sshConfig, env);
}

/** The records of all servers that want a tunnel on this connection. */
function recordsOn(connection: Connection, records: Records, env: NodeJS.ProcessEnv): ServerRecord[] {
  return Object.values(records).filter(
    ({ spec, closed }) => !closed && connectionOf(spec, env).folder === connection.folder,
  );
}

/**
 * Brings the tunnel up, unless it is, with the forwards of all its servers as the records have them. Those
 * that the keeper could not get are in its state, not an error here.
 * @throws SshFailure when ssh cannot connect, Failure when the keeper does not answer
 */
export async function openTunnel(connection: Connection, context: Context): Promise<void> {
  await withConnectionLock(connection, context, async () => {
    const wanted = writeForwards(connection, context);
    const isNew = await openConnection(connection, context);
    if (!isNew || wanted.length > 0) await settleForwards(connection, wanted, context);
  });
}

/** The wanted forwards once more, by the names of their servers: what the keeper reads names none. */
const OWNERS = 'owners';

/** Hands the keeper the forwards of the records, and returns them as `-L` takes them. */
function writeForwards(connection: Connection, context: Context): string[] {
  const records = recordsOn(connection, readRecords(context), context.env);
  const owners = Object.fromEntries(records.map(({ spec, forwards }) => [spec.name, forwards]));
  const wanted = [...new Set(records.flatMap(({ forwards }) => allForwards(forwards).map(forwardSpec)))];
  writePassingFile(join(connection.folder, OWNERS), JSON.stringify(owners));
  writePassingFile(join(connection.folder, 'forwards'), [...wanted, ''].join('\n'));
  return wanted;
}

/** The forwards that the keeper was handed last, by the names of their servers. */
export function readForwards(connection: Connection): Named<Forwards> {
  try {
    return parseForwards(readFileSync(join(connection.folder, OWNERS), 'utf8'));
  } catch {
    return {};
  }
}

/** Has the keeper make the connection's forwards those that are wanted, and waits until it has. */
async function settleForwards(
  connection: Connection,
  wanted: readonly string[],
  context: Context,
): Promise<void> {
  const before = await keeperState(connection);
  if (!before?.keeper || !isOpen(connection, before)) return;
  if (before.word === 'connected' && isApplied(before, wanted) && before.down.length === 0) return;
  for (const forward of wanted.filter((spec) => !before.up.includes(spec)))
    context.report.command(controlCommand(connection, 'forward', forward));
  await sendSignal(before.keeper, 'SIGUSR2');
  await stateWhere((state) => state.looked > before.looked && isApplied(state, wanted), connection, context);
}

function isApplied(state: KeeperState, wanted: readonly string[]): boolean {
  const known = [...state.up, ...state.down];
  return known.length === wanted.length && wanted.every((forward) => known.includes(forward));
}

/** Waits for the keeper to write a state that fulfils `condition`, or for the end of the connection. */
async function stateWhere(
  condition: (state: KeeperState) => boolean,
  connection: Connection,
  context: Context,
): Promise<void> {
  const look = async () => {
    const state = await keeperState(connection);
    const isOver = !state || !isOpen(connection, state) || (state.word === 'connected' && condition(state));
    return isOver || undefined;
  };
  const deadline = AbortSignal.timeout(APPLY_TIMEOUT_MS);
  try {
    await watchUntil(connection.folder, look, AbortSignal.any([context.signal, deadline]));
  } catch (error) {
    if (!deadline.aborted || context.signal.aborted) throw error;
    throw new Failure(
      `the keeper of ${connection.destination} did not answer for ${APPLY_TIMEOUT_MS / 1000} s`,
    );
  }
}

/** Whether this forward is held by our ssh now: only then may a token be sent to its port. */
export async function isForwardUp(connection: Connection, forward: Forward): Promise<boolean> {
  const state = await keeperState(connection);
  return state?.word === 'connected' && state.up.includes(forwardSpec(forward));
}

/**
 * Does `work` on a tunnel that is brought up for it, and that no other command closes meanwhile. It ends with it, unless a
 * server needs it.
 */
export async function onTunnel<T>(
  connection: Connection,
  context: Context,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await withClaim(connection, context, async () => {
      await openTunnel(connection, context);
      return work();
    });
  } finally {
    await releaseTunnel(connection, uninterrupted(context));
  }
}

/**
 * Ends the tunnel when no server needs it, nor a command that is under way and has none on record; else just takes back
 * the forwards that no record names.
 */
export async function releaseTunnel(connection: Connection, context: Context): Promise<void> {
  if (!existsSync(connection.folder)) return;
  await withConnectionLock(connection, context, async () => {
    const isNeeded = recordsOn(connection, readRecords(context), context.env).length > 0;
    await removeDeadClaims(connection, context);
    if (isNeeded || (await isClaimed(connection)))
      await settleForwards(connection, writeForwards(connection, context), context);
    else await closeConnection(connection);
  });
}
