import { findServer, readLog } from '../host/servers.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { SshFailure } from '../ssh/messages.ts';
import { readRecords, type ServerRecord } from '../state/records.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { connectionOf, openTunnel, releaseTunnel } from '../tunnel/tunnel.ts';

/** Prints the log of the server. Answers false when the host knows of none. */
export async function printLog(
  spec: ServerSpec,
  record: ServerRecord | undefined,
  options: { lines: number; follow: boolean },
  print: (line: string) => void,
  context: Context,
): Promise<boolean> {
  const connection = connectionOf(spec, context.env);
  const server = { connection, spec, context };
  await openTunnel(connection, context);
  try {
    const folder = record?.jupyter?.folder ?? (await findServer(server))?.record.folder;
    if (folder === undefined) return false;
    await readLog(server, folder, options, print);
    return true;
  } catch (error) {
    // Another command has stopped the server, and its connection went with it.
    const now = readRecords(context)[spec.name];
    const isStopped = record !== undefined && (now === undefined || now.closed);
    if (!(options.follow && isStopped && error instanceof SshFailure)) throw error;
    context.report.note(`"${spec.name}" was stopped here, or its tunnel closed`);
    return true;
  } finally {
    // A connection that was made for this alone ends with it.
    await releaseTunnel(connection, uninterrupted(context));
  }
}
