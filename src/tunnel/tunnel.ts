import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, controlCommand, type Forward, forwardSpec } from '../ssh/arguments.ts';
import { SshFailure } from '../ssh/messages.ts';
import {
  allForwards,
  type Forwards,
  type Named,
  parseForwards,
  readRecords,
  type ServerRecord,
} from '../state/records.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { watchUntil, writePassingFile } from '../system/files.ts';
import { sendSignal } from '../system/process.ts';
import {
  connectionOf,
  connectionsFolder,
  isClaimed,
  removeDeadClaims,
  withClaim,
  withConnectionLock,
} from './connection.ts';
import { isOpen, type KeeperState, keeperState } from './keeper.ts';
import { closeConnection, openConnection } from './keeping.ts';

/** Timeout for the keeper to set up forwards: it takes milliseconds, unless this machine is very busy. */
const APPLY_TIMEOUT_MS = 20_000;

/** The records of all servers that need a tunnel on this connection. */
function recordsOn(connection: Connection, context: Context): ServerRecord[] {
  return Object.values(readRecords(context)).filter(
    ({ spec, closed }) => !closed && connectionOf(spec, context.env).folder === connection.folder,
  );
}

/**
 * Opens the connection, unless it is open, with the forwards of all its servers as the records have them. A forward
 * that could not be set up is in the keeper's state, not an error here.
 * @throws SshFailure when ssh cannot connect, Failure when the keeper does not respond
 */
export async function openTunnel(connection: Connection, context: Context): Promise<void> {
  await withConnectionLock(connection, context, async () => {
    const wanted = writeForwards(connection, context);
    const isNew = await openConnection(connection, context);
    if (!isNew || wanted.length > 0) await settleForwards(connection, wanted, context);
  });
}

/** The file with the purpose of a connection: its destination, and the forwards by the names of their servers. */
const PURPOSE = 'purpose';

/** Writes the forwards of the records for the keeper, and returns them as `-L` takes them. */
function writeForwards(connection: Connection, context: Context): string[] {
  const { destination, sshConfig, folder } = connection;
  const records = recordsOn(connection, context);
  const byName = Object.fromEntries(records.map(({ spec, forwards }) => [spec.name, forwards]));
  const wanted = [...new Set(records.flatMap(({ forwards }) => allForwards(forwards).map(forwardSpec)))];
  writePassingFile(join(folder, PURPOSE), JSON.stringify({ destination, sshConfig, forwards: byName }));
  writePassingFile(join(folder, 'forwards'), [...wanted, ''].join('\n'));
  return wanted;
}

/** A connection that has a folder here, and its forwards by the names of their servers. */
export interface KnownTunnel {
  readonly connection: Connection;
  readonly forwards: Named<Forwards>;
}

/** Finds all connections, open or not. A folder that does not show its purpose is left out. */
export function knownTunnels(env: NodeJS.ProcessEnv): KnownTunnel[] {
  const folder = connectionsFolder(env);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.flatMap((name) => {
    try {
      const purpose = JSON.parse(readFileSync(join(folder, name, PURPOSE), 'utf8'));
      const connection = connectionOf(purpose, env);
      const forwards = parseForwards(purpose.forwards);
      return connection.folder === join(folder, name) ? [{ connection, forwards }] : [];
    } catch {
      return [];
    }
  });
}

/** Makes the keeper set up the wanted forwards and cancel all others, and waits until it has, or has ended. */
async function settleForwards(
  connection: Connection,
  wanted: readonly string[],
  context: Context,
): Promise<void> {
  const before = await keeperState(connection);
  if (!before?.keeper || !isOpen(connection, before)) return;
  if (before.phase === 'connected' && isApplied(before, wanted) && before.down.length === 0) return;
  for (const forward of wanted.filter((spec) => !before.up.includes(spec)))
    context.report.command(controlCommand(connection, 'forward', forward));
  await sendSignal(before.keeper, 'SIGUSR2');
  const look = async () => {
    const state = await keeperState(connection);
    if (!state || !isOpen(connection, state)) return true;
    const hasLooked = state.phase === 'connected' && state.looked > before.looked;
    return (hasLooked && isApplied(state, wanted)) || undefined;
  };
  const deadline = AbortSignal.timeout(APPLY_TIMEOUT_MS);
  try {
    await watchUntil(connection.folder, look, AbortSignal.any([context.signal, deadline]));
  } catch (error) {
    if (!deadline.aborted || context.signal.aborted) throw error;
    throw new Failure(
      `the keeper of the connection to ${connection.destination} did not respond within ${APPLY_TIMEOUT_MS / 1000} s`,
    );
  }
}

function isApplied(state: KeeperState, wanted: readonly string[]): boolean {
  const known = [...state.up, ...state.down];
  return known.length === wanted.length && wanted.every((forward) => known.includes(forward));
}

/** Whether our ssh has set up this forward now: only then may a token be sent to its port. */
export async function isForwardUp(connection: Connection, forward: Forward): Promise<boolean> {
  const state = await keeperState(connection);
  return state?.phase === 'connected' && state.up.includes(forwardSpec(forward));
}

/** The failure when sshd does not allow a forward. */
export function forbiddenForward(destination: string, target: string): SshFailure {
  return new SshFailure(
    'forwarding-prohibited',
    `sshd on ${destination} does not allow forwarding to ${target}`,
    {
      remedy:
        'Ask the administrator to allow it: AllowTcpForwarding and PermitOpen in sshd_config, or the restrictions of your key in authorized_keys.',
    },
  );
}

/** Does `work` while the tunnel is open, and no other command closes it. Then closes it, unless a server needs it. */
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

/** Closes the tunnel when no server and no running command needs it, or else cancels the forwards that are on no record. */
export async function releaseTunnel(connection: Connection, context: Context): Promise<void> {
  if (!existsSync(connection.folder)) return;
  await withConnectionLock(connection, context, async () => {
    await removeDeadClaims(connection, context);
    if (recordsOn(connection, context).length > 0 || (await isClaimed(connection)))
      await settleForwards(connection, writeForwards(connection, context), context);
    else await closeConnection(connection);
  });
}
