import { everyServer, listed } from '../host/listing.ts';
import { askResources } from '../host/resources.ts';
import type { HostListing } from '../model/listing.ts';
import type { ServerStatus } from '../model/status.ts';
import type { Host } from '../ssh/arguments.ts';
import { readRecords } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { onTunnel } from '../tunnel/tunnel.ts';

/** Lists all Jupyter servers of the user on a host, whoever started them, and changes nothing there. */
export function listHost(host: Host, context: Context): Promise<HostListing> {
  const connection = connectionOf(host, context.env);
  return onTunnel(connection, context, async () => {
    const { servers, ...rest } = await everyServer(connection, context);
    return {
      destination: host.destination,
      servers: servers.map((server) => listed(server, Date.now())),
      ...rest,
    };
  });
}

/** Adds the free resources of their hosts to the statuses, with one request to each host that is connected. */
export function withResources(statuses: readonly ServerStatus[], context: Context): Promise<ServerStatus[]> {
  const records = readRecords(context);
  const connected = statuses.flatMap(({ name, tunnel, directory }) => {
    const record = tunnel.state === 'connected' ? records[name] : undefined;
    return record ? [{ name, directory, connection: connectionOf(record.spec, context.env) }] : [];
  });
  const requests = new Map<string, ReturnType<typeof askResources>>();
  for (const { connection } of connected) {
    const onSame = connected.filter((other) => other.connection.folder === connection.folder);
    const directories = onSame.map(({ directory }) => directory);
    if (onSame[0]?.connection === connection)
      requests.set(connection.folder, askResources(connection, directories, context));
  }
  return Promise.all(
    statuses.map(async (status) => {
      const folder = connected.find(({ name }) => name === status.name)?.connection.folder ?? '';
      const resourcesIn = await requests.get(folder);
      return { ...status, resources: resourcesIn?.(status.directory) ?? null };
    }),
  );
}
