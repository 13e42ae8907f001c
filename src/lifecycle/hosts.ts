import { everyServer, listed } from '../host/listing.ts';
import { askResources } from '../host/resources.ts';
import type { HostListing } from '../model/listing.ts';
import type { ServerStatus } from '../model/status.ts';
import { readRecords } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { connectionTo } from '../tunnel/connection.ts';
import { connectionOf, onTunnel } from '../tunnel/tunnel.ts';

/**
 * Lists every Jupyter server of the user on a host, whoever started it, and changes nothing there. A connection that
 * is made for this alone ends with it.
 */
export async function listHost(
  destination: string,
  sshConfig: string | undefined,
  context: Context,
): Promise<HostListing> {
  const connection = connectionTo(destination, sshConfig, context.env);
  return onTunnel(connection, context, async () => {
    const { servers, ...rest } = await everyServer(connection, context);
    return { destination, servers: servers.map((server) => listed(server, Date.now())), ...rest };
  });
}

/**
 * The same statuses with what their hosts have left. Each host is asked once, over the connection that it has; one
 * without is not asked.
 */
export function withResources(statuses: readonly ServerStatus[], context: Context): Promise<ServerStatus[]> {
  const records = readRecords(context);
  const connected = statuses.flatMap((status) => {
    const record = status.tunnel.state === 'connected' ? records[status.name] : undefined;
    return record ? [{ status, connection: connectionOf(record.spec, context.env) }] : [];
  });
  const asked = new Map<string, ReturnType<typeof askResources>>();
  for (const { connection } of connected) {
    const onSame = connected.filter((other) => other.connection.folder === connection.folder);
    const directories = onSame.map(({ status }) => status.directory);
    if (!asked.has(connection.folder))
      asked.set(connection.folder, askResources(connection, directories, context));
  }
  return Promise.all(
    statuses.map(async (status) => {
      const folder = connected.find((one) => one.status === status)?.connection.folder ?? '';
      const told = await asked.get(folder);
      return { ...status, resources: told?.(status.directory) ?? null };
    }),
  );
}
