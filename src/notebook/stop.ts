import { rmSync } from 'node:fs';
import { type Api, onSharedConnections, requestShutdown } from '../jupyter/api.ts';
import type { Kernel } from '../jupyter/kernel.ts';
import type { Connection } from '../ssh/arguments.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { findServer, type StopOutcome, stopServer } from './host.ts';
import { busyKernels } from './kernels.ts';
import type { Notebook } from './notebook.ts';
import { redirectFile } from './open.ts';
import { reachableApi } from './prove.ts';
import type { KnownNotebook } from './resolve.ts';
import { type NotebookRecord, readRecords, updateRecords, withNotebookLock, withoutRecord } from './state.ts';
import { connectionOf, openTunnel, releaseTunnel } from './tunnel.ts';

/** A server that has kernels to shut gets so long to answer, and then so long to end. */
const SHUTDOWN_TIMEOUT_MS = 10_000;

/** Asked before kernels that compute are ended; a server that cannot be asked for them is stopped all the same. */
export type MayEnd = (notebook: Notebook, busy: readonly Kernel[]) => Promise<boolean>;

/**
 * Ends exactly this notebook's server, verifies that it is gone, and then ends its tunnel.
 * @param mayEnd undefined to end whatever its kernels do
 */
export async function stopNotebook(
  known: KnownNotebook,
  mayEnd: MayEnd | undefined,
  context: Context,
): Promise<StopOutcome | 'refused'> {
  const { notebook } = known;
  verifyNotPlain(known);
  return withNotebookLock(notebook.name, context, async () => {
    const record = readRecords(context)[notebook.name];
    const connection = connectionOf(notebook, context.env);
    context.report.phase('connect');
    await openTunnel(connection, context);
    try {
      context.report.phase('stop');
      const outcome = await endServer(record, notebook, connection, mayEnd, context);
      if (outcome !== 'refused') await forget(notebook, context);
      return outcome;
    } finally {
      await releaseTunnel(connection, uninterrupted(context));
    }
  });
}

/** Ends the tunnel alone, and forgets the notebook here; its server runs on. Needs no connection. */
export async function closeNotebook(known: KnownNotebook, context: Context): Promise<void> {
  const { notebook } = known;
  verifyNotPlain(known);
  return withNotebookLock(notebook.name, context, async () => {
    await forget(notebook, context);
    await releaseTunnel(connectionOf(notebook, context.env), context);
  });
}

async function forget({ name }: Notebook, context: Context): Promise<void> {
  rmSync(redirectFile(name, context.env), { force: true });
  await updateRecords(context, (records) => withoutRecord(records, name));
}

/** Of such a notebook nothing is known but its tunnel. */
function verifyNotPlain({ notebook: { name }, record }: KnownNotebook): void {
  if (!record?.plain) return;
  throw new UsageError(`"${name}" was started with --plain`, {
    remedy: `Stop it with: remote-notebook stop --plain ${name} (it ends every Jupyter of that user)`,
  });
}

/**
 * Asks through the API first; whatever it answers, the host sees to it that the process is gone. A session there is
 * opened while the API is asked: to a far host each costs round trips.
 */
export async function endServer(
  record: NotebookRecord | undefined,
  notebook: Notebook,
  connection: Connection,
  mayEnd: MayEnd | undefined,
  context: Context,
): Promise<StopOutcome | 'refused'> {
  if (!record?.server) {
    const found = await findServer(connection, notebook, context);
    if (!found) return 'gone';
    const server = { ...found, pid: found.info.pid, token: found.info.token };
    return stopServer(connection, server, Promise.resolve(0), context);
  }
  const graceMs = askToEnd(record, notebook, mayEnd, context);
  const outcome = await stopServer(connection, record.server, graceMs, context);
  const agreed = (await graceMs) !== 0;
  return agreed && outcome === 'gone' ? 'shutdown' : outcome;
}

/** Asks the server to end itself, unless its kernels compute and the user will not have it. Answers with its grace. */
async function askToEnd(
  record: NotebookRecord,
  notebook: Notebook,
  mayEnd: MayEnd | undefined,
  context: Context,
): Promise<number | 'refused'> {
  const reachable = await reachableApi(record, context);
  const api = reachable && (await onSharedConnections(reachable));
  const busy = mayEnd ? await busyKernels(api, context) : [];
  if (busy?.length && !(await mayEnd?.(notebook, busy))) return 'refused';
  // One that did not tell its kernels would not hear this either: the host's signals do.
  const agreed = busy !== undefined && (await hasAgreed(api, record, context));
  return agreed ? SHUTDOWN_TIMEOUT_MS : 0;
}

/** The user may have thought about it, and the tunnel be lost meanwhile. */
async function hasAgreed(api: Api | undefined, record: NotebookRecord, context: Context): Promise<boolean> {
  if (!api || !(await reachableApi(record, context))) return false;
  return requestShutdown(api, context.signal, SHUTDOWN_TIMEOUT_MS);
}
