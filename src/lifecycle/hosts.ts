import { askKernelEvents } from '../host/kernels.ts';
import { everyServer, listed } from '../host/listing.ts';
import { askResources } from '../host/resources.ts';
import { deathsIn } from '../jupyter/deaths.ts';
import type { HostListing, HostReport } from '../model/listing.ts';
import type { KernelDeaths, ServerStatus } from '../model/status.ts';
import type { Connection, Host } from '../ssh/arguments.ts';
import { readRecords, type ServerRecord } from '../state/records.ts';
import { type Context, endedBy, timeLimit } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { keeperState } from '../tunnel/keeper.ts';
import { onTunnel } from '../tunnel/tunnel.ts';

/** Timeout for each of several hosts. */
const HOST_TIMEOUT_MS = 30_000;

/** Lists all Jupyter servers of the user on a host, whoever started them, and changes nothing there. */
export function listHost(host: Host, context: Context): Promise<HostListing> {
  return listOn(connectionOf(host, context.env), context);
}

/**
 * Lists the servers of several hosts at the same time. None of them can ask for a password, and one that fails or does not
 * answer in time keeps no other from being listed.
 */
export function listHosts(hosts: readonly Host[], context: Context): Promise<HostReport[]> {
  return Promise.all(
    hosts.map(async (host): Promise<HostReport> => {
      const { destination } = host;
      const limit = timeLimit(HOST_TIMEOUT_MS);
      try {
        const connection = { ...connectionOf(host, context.env), isQuiet: true };
        return await listOn(connection, endedBy(limit, context));
      } catch (error) {
        if (context.signal.aborted) throw new Interrupted();
        if (!(error instanceof Failure)) throw error;
        const late = `it did not answer within ${HOST_TIMEOUT_MS / 1000} s`;
        return { destination, error: limit.aborted ? late : (error.message.split('\n')[0] ?? '') };
      }
    }),
  );
}

function listOn(connection: Connection, context: Context): Promise<HostListing> {
  return onTunnel(connection, context, async () => {
    const { servers, ...rest } = await everyServer(connection, context);
    return {
      destination: connection.destination,
      servers: servers.map((server) => listed(server, Date.now())),
      ...rest,
    };
  });
}

/**
 * Asks the hosts of servers for the deaths of their kernels. Returns them by the names of the servers; what a host does
 * not report is unknown.
 */
export function kernelDeaths(
  servers: readonly ServerRecord[],
  context: Context,
): Promise<ReadonlyMap<string, KernelDeaths[]>> {
  const folderOf = ({ jupyter }: ServerRecord) => jupyter?.folder ?? '';
  const known = servers.filter(({ jupyter }) => jupyter !== undefined);
  return askHosts(known, context, async (connection, on) => {
    const eventsOf = await askKernelEvents(connection, on.map(folderOf), context);
    return (server) => {
      const events = eventsOf(folderOf(server));
      return events && deathsIn(events, Date.now());
    };
  });
}

/** Adds the free resources of their hosts to the statuses. */
export async function withResources(
  statuses: readonly ServerStatus[],
  context: Context,
): Promise<ServerStatus[]> {
  const servers = Object.values(readRecords(context)).filter(({ spec }) =>
    statuses.some(({ name }) => name === spec.name),
  );
  const folderOf = ({ spec, jupyter }: ServerRecord) => jupyter?.directory ?? spec.directory;
  const found = await askHosts(servers, context, async (connection, on) => {
    const resourcesOf = await askResources(connection, on.map(folderOf), context);
    return (server) => resourcesOf(folderOf(server));
  });
  return statuses.map((status) => ({ ...status, resources: found.get(status.name) ?? null }));
}

/**
 * Asks the hosts of these servers that are connected, all at the same time and each once.
 * @param ask asks the host of some servers; the result returns the answer for each of them
 * @returns the answers by the names of the servers
 */
async function askHosts<A>(
  servers: readonly ServerRecord[],
  context: Context,
  ask: (
    connection: Connection,
    servers: readonly ServerRecord[],
  ) => Promise<(server: ServerRecord) => A | undefined>,
): Promise<ReadonlyMap<string, A>> {
  const hosts = new Map<string, { connection: Connection; on: ServerRecord[] }>();
  for (const server of servers) {
    const connection = connectionOf(server.spec, context.env);
    const { on } = hosts.get(connection.folder) ?? { on: [] };
    if (!server.closed) hosts.set(connection.folder, { connection, on: [...on, server] });
  }
  const answers = [...hosts.values()].map(async ({ connection, on }) => {
    if ((await keeperState(connection))?.phase !== 'connected') return [];
    const answerFor = await ask(connection, on);
    return on.flatMap((server): [string, A][] => {
      const answer = answerFor(server);
      return answer === undefined ? [] : [[server.spec.name, answer]];
    });
  });
  return new Map((await Promise.all(answers)).flat());
}
