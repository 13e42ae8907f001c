import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { WantedTunnel } from '../keeper/wanted.ts';
import { type Connection, type Forward, forwardSpec } from '../ssh/arguments.ts';
import { FORWARDING_REMEDY } from '../ssh/causes/login.ts';
import { SshFailure } from '../ssh/causes/messages.ts';
import {
  type Forwards,
  isGuarded,
  type Named,
  parseForwards,
  readRecords,
  type ServerRecord,
  updateRecords,
  withRecord,
} from '../state/records.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { writePassingFile } from '../system/files.ts';
import {
  connectionOf,
  connectionsFolder,
  isClaimed,
  removeDeadClaims,
  withClaim,
  withConnectionLock,
} from './connection.ts';
import { askKeeper, hangingKeeper, isUp, keeperState } from './keeper.ts';
import { closeConnection, openConnection } from './keeping.ts';
import { whileResponding } from './master.ts';
import { serverTarget } from './target.ts';

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
    const tunnels = writePurpose(connection, context);
    await openConnection(connection, context);
    await apply(connection, tunnels, context);
  });
}

/** The file with the purpose of a connection: its destination, and the forwards by the names of their servers. */
const PURPOSE = 'purpose';

/** Writes the purpose of a connection, and returns the tunnels of the records for its keeper. */
function writePurpose(connection: Connection, context: Context): WantedTunnel[] {
  const { destination, sshConfig, folder } = connection;
  const records = recordsOn(connection, context);
  const byName = Object.fromEntries(records.map(({ spec, forwards }) => [spec.name, forwards]));
  writePassingFile(join(folder, PURPOSE), JSON.stringify({ destination, sshConfig, forwards: byName }));
  return records.flatMap(tunnelOf);
}

/** The tunnel to the server of a record. */
function tunnelOf(record: ServerRecord): WantedTunnel[] {
  const { jupyter, relay, withdrawn } = record;
  const { further } = record.forwards;
  const own = withdrawn ? undefined : record.forwards.own;
  if (!own && further.length === 0) return [];
  const server = jupyter ? serverTarget(jupyter) : (own?.target ?? '');
  return [{ server, relay, own, further: [...further] }];
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

/** Makes the keeper have these tunnels and no others, and waits until it has. */
async function apply(
  connection: Connection,
  tunnels: readonly WantedTunnel[],
  context: Context,
): Promise<void> {
  const applied = await whileResponding(connection, context, (watched) =>
    askKeeper(connection, { do: 'apply', tunnels: [...tunnels] }, watched),
  );
  if (!applied && (await keeperState(connection))) throw hangingKeeper(connection);
}

/** Whether our ssh has set up this forward now: only then may a token be sent to its port. */
export async function isForwardUp(connection: Connection, forward: Forward): Promise<boolean> {
  return isUp(await keeperState(connection), forward);
}

/** Whether our keeper listens on the local port of this forward, whether or not the host can be reached. */
export async function isForwardBound(connection: Connection, forward: Forward): Promise<boolean> {
  return (await keeperState(connection))?.bound.includes(forwardSpec(forward)) === true;
}

/** The failure when sshd does not allow a forward. */
export function forbiddenForward(destination: string, target: string): SshFailure {
  return new SshFailure(
    'forwarding-prohibited',
    `sshd on ${destination} does not allow forwarding to ${target}`,
    { remedy: FORWARDING_REMEDY, step: 'forwarding' },
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
      await apply(connection, writePurpose(connection, context), context);
    else await closeConnection(connection);
  });
}

/**
 * Cancels the forward to the port of a server that has ended or is about to end, unless it has a relay: another user of
 * the host could listen there, and open pages would connect to it. The local port stays on record.
 */
export async function withdrawForward(record: ServerRecord, context: Context): Promise<void> {
  const { spec, jupyter } = record;
  if (!jupyter || isGuarded(record)) return;
  await updateRecords(context, (records) => {
    const now = records[spec.name];
    // Another command may have started another server meanwhile.
    const isSame = now && isDeepStrictEqual(now.jupyter, jupyter);
    return isSame ? withRecord(records, { ...now, withdrawn: true }) : records;
  });
  await releaseTunnel(connectionOf(spec, context.env), context);
}
