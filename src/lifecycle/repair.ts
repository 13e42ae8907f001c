import { listServers } from '../host/listing.ts';
import type { HostServer } from '../host/server-record.ts';
import { makeSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
import {
  type Forwards,
  type Named,
  type Records,
  readRecords,
  type ServerRecord,
  updateRecords,
  withRecord,
} from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { knownConnections } from '../tunnel/connection.ts';
import { isOpen, keeperState } from '../tunnel/keeper.ts';
import { serverTarget } from '../tunnel/local-port.ts';
import { readForwards } from '../tunnel/tunnel.ts';

/**
 * Puts what lives and is on no record back on record: each server that its host knows, and to which a tunnel of this
 * machine leads. Answers with what was found. Nothing is started, and no login is made.
 */
export async function repairRecords(context: Context): Promise<ServerRecord[]> {
  const records = readRecords(context);
  const connections = knownConnections(context.env);
  const found = await Promise.all(connections.map((connection) => lostOn(connection, records, context)));
  const lost = found.flat();
  if (lost.length > 0) await updateRecords(context, (now) => lost.reduce(withLost, now));
  return lost;
}

/** A start may have put it on record meanwhile, and knows better. */
function withLost(records: Records, record: ServerRecord): Records {
  return records[record.spec.name] ? records : withRecord(records, record);
}

async function lostOn(connection: Connection, known: Records, context: Context): Promise<ServerRecord[]> {
  const all = Object.entries(readForwards(connection));
  const lost = Object.fromEntries(all.filter(([name]) => !known[name]));
  if (Object.keys(lost).length === 0) return [];
  const state = await keeperState(connection);
  if (!state || !isOpen(connection, state)) {
    context.report.note(
      `the connection to ${connection.destination} is not up, so what is there cannot be known now`,
    );
    return [];
  }
  try {
    const servers = await listServers(connection, context);
    return servers.flatMap((server) => recordOf(server, connection, lost));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    context.report.note(error.message);
    return [];
  }
}

/**
 * A server that no forward of this machine leads to is another machine's matter.
 * @throws UsageError when the host names what could be no server
 */
function recordOf(found: HostServer, connection: Connection, lost: Named<Forwards>): ServerRecord[] {
  const { asked, record: server, environment } = found;
  const forwards = lost[asked.name];
  if (forwards?.own?.target !== serverTarget(server)) return [];
  const { destination, sshConfig } = connection;
  const settings = {
    destination,
    sshConfig,
    directory: asked.directory,
    environment,
    port: server.port || undefined,
    socket: server.socket !== undefined,
  };
  // What a host calls a server names files here: it is verified as if the user had said it.
  const spec = makeSpec(asked.name, settings);
  return [{ spec, jupyter: server, forwards }];
}
