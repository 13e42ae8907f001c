import { listServers } from '../host/listing.ts';
import type { HostServer } from '../host/server-record.ts';
import { makeSpec } from '../model/server-spec.ts';
import { readState, type ServerRecord, type State, updateState, withRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { failureIn } from '../system/errors.ts';
import { isOpen, keeperState } from '../tunnel/keeper.ts';
import { serverTarget } from '../tunnel/target.ts';
import { type KnownTunnel, knownTunnels } from '../tunnel/tunnel.ts';

/**
 * Adds the lost records of running servers: those that their host knows, and to which a tunnel of this machine leads.
 * Returns these records. Starts nothing, and makes no login.
 */
export async function repairRecords(context: Context): Promise<ServerRecord[]> {
  const state = readState(context);
  const tunnels = knownTunnels(context.env);
  const lost = (await Promise.all(tunnels.map((tunnel) => lostOn(tunnel, state, context)))).flat();
  const added: ServerRecord[] = [];
  if (lost.length > 0) {
    await updateState(context, (now) => {
      // A start may have added a newer record meanwhile.
      added.push(...lost.filter(({ spec }) => !isKnown(spec.name, now)));
      return { ...now, servers: added.reduce(withRecord, now.servers) };
    });
  }
  return added;
}

function isKnown(name: string, { servers, article }: State): boolean {
  return Object.hasOwn(servers, name) || Object.hasOwn(article, name);
}

async function lostOn(tunnel: KnownTunnel, known: State, context: Context): Promise<ServerRecord[]> {
  const { connection, forwards } = tunnel;
  const names = Object.keys(forwards).filter((name) => known.servers[name] === undefined);
  for (const name of names.filter((name) => known.article[name]))
    context.report.note(
      `two servers have the name "${name}"; to find the one that was started without --plain, first stop the other: remote-notebook stop --plain ${name}`,
    );
  if (names.every((name) => isKnown(name, known))) return [];
  const state = await keeperState(connection);
  if (!state || !isOpen(connection, state)) {
    context.report.note(`the connection to ${connection.destination} is down, so its servers are unknown`);
    return [];
  }
  try {
    const servers = await listServers(connection, context);
    return servers
      .filter(({ asked }) => !isKnown(asked.name, known))
      .flatMap((server) => recordOf(server, tunnel));
  } catch (error) {
    context.report.note(failureIn(error).message);
    return [];
  }
}

/**
 * Returns the record of a server, if a forward of this machine leads to it.
 * @throws UsageError when the host gives a server an invalid name: it will be part of file names here
 */
function recordOf(found: HostServer, { connection, forwards }: KnownTunnel): ServerRecord[] {
  const { asked, record: server, relay, environment } = found;
  const own = forwards[asked.name];
  if (own?.own?.target !== serverTarget(server)) return [];
  const { destination, sshConfig } = connection;
  const settings = {
    destination,
    sshConfig,
    directory: asked.directory,
    environment,
    port: server.port || undefined,
    launcher: server.identity.kind === 'job' ? server.identity.scheduler : undefined,
  };
  return [{ spec: makeSpec(asked.name, settings), jupyter: server, forwards: own, relay }];
}
