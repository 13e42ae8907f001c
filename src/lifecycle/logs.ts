import { findServer, readLog } from '../host/servers.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { SshFailure } from '../ssh/messages.ts';
import { readRecords, type ServerRecord } from '../state/records.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { openTunnel, releaseTunnel } from '../tunnel/tunnel.ts';

/** Prints the log of the server. Returns false when its host knows no such server. */
export async function printLog(
  spec: ServerSpec,
  record: ServerRecord | undefined,
  options: { lines: number; follow: boolean },
  print: (line: string) => void,
  context: Context,
): Promise<boolean> {
  const connection = connectionOf(spec, context.env);
  const server = { connection, spec, context };
  // Without a claim, so that a `stop` in another terminal also ends a --follow.
  await openTunnel(connection, context);
  try {
    const folder = record?.jupyter?.folder ?? (await findServer(server))?.record.folder;
    if (folder === undefined) return false;
    await readLog(server, folder, options, print);
    return true;
  } catch (error) {
    const now = readRecords(context)[spec.name];
    const isStopped = record !== undefined && (now === undefined || now.closed);
    if (!(options.follow && isStopped && error instanceof SshFailure)) throw error;
    context.report.note(`another command stopped "${spec.name}" or closed its tunnel`);
    return true;
  } finally {
    await releaseTunnel(connection, uninterrupted(context));
  }
}
