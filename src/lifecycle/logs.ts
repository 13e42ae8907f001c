import { HostFailure } from '../host/failures.ts';
import { readLog } from '../host/logs.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { SshFailure } from '../ssh/causes/messages.ts';
import { readRecords, type ServerRecord } from '../state/records.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { openTunnel, releaseTunnel } from '../tunnel/tunnel.ts';

/** Prints the log of the server, or of its last run. Returns false when its host has none. */
export async function printLog(
  spec: ServerSpec,
  record: ServerRecord | undefined,
  options: { lines: number; follow: boolean },
  print: (line: string) => Promise<void> | void,
  context: Context,
): Promise<boolean> {
  const connection = connectionOf(spec, context.env);
  const server = { connection, spec, context };
  // Without a claim, so that a `stop` in another terminal also ends a --follow.
  await openTunnel(connection, context);
  try {
    await readLog(server, record?.jupyter, options, print);
    return true;
  } catch (error) {
    if (error instanceof HostFailure && error.reason === 'log') return false;
    const now = readRecords(context)[spec.name];
    const isStopped = record !== undefined && (now === undefined || now.closed);
    if (!(options.follow && isStopped && error instanceof SshFailure)) throw error;
    context.report.note(`another command stopped "${spec.name}" or closed its tunnel`);
    return true;
  } finally {
    await releaseTunnel(connection, uninterrupted(context));
  }
}
