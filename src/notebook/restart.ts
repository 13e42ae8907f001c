import type { Connection } from '../ssh/arguments.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { findServer, type StopOutcome } from './host.ts';
import type { Notebook } from './notebook.ts';
import type { KnownNotebook } from './resolve.ts';
import { type Started, startAlone } from './start.ts';
import { type NotebookRecord, readRecords, withNotebookLock } from './state.ts';
import { endServer, type MayEnd, restoreRecord, verifyNotPlain } from './stop.ts';
import { connectionOf, onTunnel } from './tunnel.ts';

/**
 * Ends the notebook's server, and starts it again with its port and its token: pages that are open in a browser
 * find the new one by themselves. Its kernels are lost. One that does not run is started.
 * @param mayEnd undefined to end whatever its kernels do
 * @param timeoutMs how long Jupyter may take to come up
 * @returns `again` tells whether there was one: pages that were open before its stop know another token
 */
export async function restartNotebook(
  known: KnownNotebook,
  mayEnd: MayEnd | undefined,
  timeoutMs: number,
  context: Context,
): Promise<(Started & { readonly again: boolean }) | 'refused'> {
  verifyNotPlain(known);
  const { notebook } = known;
  const connection = connectionOf(notebook, context.env);
  return withNotebookLock(notebook.name, context, async () => {
    const record = readRecords(context)[notebook.name];
    context.report.phase('connect');
    return onTunnel(connection, context, async () => {
      const held = await endHeld(record, notebook, connection, mayEnd, context);
      if (held === 'refused') return held;
      const again = { ...notebook, port: held?.port || notebook.port };
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
  record: NotebookRecord | undefined,
  notebook: Notebook,
  connection: Connection,
  mayEnd: MayEnd | undefined,
  context: Context,
): Promise<Held | 'refused' | undefined> {
  let outcome: StopOutcome | 'refused' | undefined = 'refused';
  try {
    const held = record?.server ?? (await findServer(connection, notebook, context))?.info;
    outcome = held && (await endServer(record, notebook, connection, mayEnd, context));
    return outcome === 'refused' ? outcome : held;
  } finally {
    await restoreRecord(record, notebook, uninterrupted(context));
  }
}
