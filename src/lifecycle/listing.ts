import { everyServer, listed } from '../host/listing.ts';
import type { HostListing } from '../model/listing.ts';
import type { Context } from '../system/context.ts';
import { connectionTo } from '../tunnel/connection.ts';
import { onTunnel } from '../tunnel/tunnel.ts';

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
