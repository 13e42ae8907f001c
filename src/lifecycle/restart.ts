import type { KnownServer } from '../config/resolve.ts';
import { findServer, type StopOutcome } from '../host/servers.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
import { readRecords, type ServerRecord, withServerLock } from '../state/records.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { connectionOf, onTunnel } from '../tunnel/tunnel.ts';
import { type Started, startAlone } from './start.ts';
import { endServer, type MayEnd, restoreRecord } from './stop.ts';

/**
 * Ends the server, and starts it again with its port and its token: pages that are open in a browser
 * find the new one by themselves. Its kernels are lost. One that does not run is started.
 * @param mayEnd undefined to end whatever its kernels do
 * @param timeoutMs how long Jupyter may take to come up
 * @returns `again` tells whether there was one: pages that were open before its stop know another token
 */
export async function restartServer(
  known: KnownServer,
  mayEnd: MayEnd | undefined,
  timeoutMs: number,
  context: Context,
): Promise<(Started & { readonly again: boolean }) | 'refused'> {
  const { spec } = known;
  const connection = connectionOf(spec, context.env);
  return withServerLock(spec.name, context, async () => {
    const record = readRecords(context)[spec.name];
    context.report.phase('connect');
    return onTunnel(connection, context, async () => {
      const held = await endHeld(record, spec, connection, mayEnd, context);
      if (held === 'refused') return held;
      const again = { ...spec, port: held?.port || spec.port };
      const options = { mode: 'start', timeoutMs, token: held?.token ?? '' } as const;
      return { ...(await startAlone(again, connection, options, context)), again: held !== undefined };
    });
  });
}

/** What a server had, that is no more. */
interface Held {
  /** 0 when it listened on a socket. */
  readonly port: number;
  readonly token: string;
}

/** Ends the server, but not the tunnel. Undefined when there was none. */
async function endHeld(
  record: ServerRecord | undefined,
  spec: ServerSpec,
  connection: Connection,
  mayEnd: MayEnd | undefined,
  context: Context,
): Promise<Held | 'refused' | undefined> {
  let outcome: StopOutcome | 'refused' | undefined = 'refused';
  try {
    const held = record?.jupyter ?? (await findServer(connection, spec, context))?.info;
    outcome = held && (await endServer(record, spec, connection, mayEnd, context));
    return outcome === 'refused' ? outcome : held;
  } finally {
    await restoreRecord(record, spec, uninterrupted(context));
  }
}
