import { listServers } from '../host/listing.ts';
import type { HostServer } from '../host/server-record.ts';
import { makeSpec } from '../model/server-spec.ts';
import { type Records, readRecords, type ServerRecord, updateRecords, withRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { isOpen, keeperState } from '../tunnel/keeper.ts';
import { serverTarget } from '../tunnel/local-port.ts';
import { type KnownTunnel, knownTunnels } from '../tunnel/tunnel.ts';

/**
 * Adds the lost records of running servers: those that their host knows, and to which a tunnel of this machine leads.
 * Returns these records. Starts nothing, and makes no login.
 */
export async function repairRecords(context: Context): Promise<ServerRecord[]> {
  const records = readRecords(context);
  const tunnels = knownTunnels(context.env);
  const lost = (await Promise.all(tunnels.map((tunnel) => lostOn(tunnel, records, context)))).flat();
  // A start may have added a newer record meanwhile.
  const withLost = (now: Records, record: ServerRecord) =>
    now[record.spec.name] ? now : withRecord(now, record);
  if (lost.length > 0) await updateRecords(context, (now) => lost.reduce(withLost, now));
  return lost;
}

async function lostOn(tunnel: KnownTunnel, known: Records, context: Context): Promise<ServerRecord[]> {
  const { connection, forwards } = tunnel;
  if (Object.keys(forwards).every((name) => known[name])) return [];
  const state = await keeperState(connection);
  if (!state || !isOpen(connection, state)) {
    context.report.note(`the connection to ${connection.destination} is down, so its servers are unknown`);
    return [];
  }
  try {
    const servers = await listServers(connection, context);
    return servers.filter(({ asked }) => !known[asked.name]).flatMap((server) => recordOf(server, tunnel));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    context.report.note(error.message);
    return [];
  }
}

/**
 * Returns the record of a server, if a forward of this machine leads to it.
 * @throws UsageError when the host gives a server an invalid name: it will be part of file names here
 */
function recordOf(found: HostServer, { connection, forwards }: KnownTunnel): ServerRecord[] {
  const { asked, record: server, environment } = found;
  const own = forwards[asked.name];
  if (own?.own?.target !== serverTarget(server)) return [];
  const { destination, sshConfig } = connection;
  const settings = {
    destination,
    sshConfig,
    directory: asked.directory,
    environment,
    port: server.port || undefined,
    socket: server.socket !== undefined,
  };
  return [{ spec: makeSpec(asked.name, settings), jupyter: server, forwards: own }];
}
