import { askResources } from '../host/resources.ts';
import type { ServerStatus } from '../model/status.ts';
import type { Connection } from '../ssh/arguments.ts';
import { readRecords } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { connectionOf } from '../tunnel/tunnel.ts';

/**
 * The same statuses with what their hosts have left. Each host is asked once, over the connection that it has; one
 * without is not asked.
 */
export async function withResources(
  statuses: readonly ServerStatus[],
  context: Context,
): Promise<ServerStatus[]> {
  const records = readRecords(context);
  const connections = new Map<string, Connection>();
  const roomOf = new Map<ServerStatus, string>();
  for (const status of statuses) {
    const record = records[status.name];
    if (!record || status.tunnel.state !== 'connected') continue;
    const connection = connectionOf(record.spec, context.env);
    connections.set(connection.folder, connection);
    roomOf.set(status, connection.folder);
  }
  const asked = [...connections].map(async ([room, connection]) => {
    const directories = statuses
      .filter((status) => roomOf.get(status) === room)
      .map((status) => status.directory);
    return [room, await askResources(connection, directories, context)] as const;
  });
  const told = new Map(await Promise.all(asked));
  return statuses.map((status) => ({
    ...status,
    resources: told.get(roomOf.get(status) ?? '')?.(status.directory) ?? null,
  }));
}
