import { rmSync } from 'node:fs';
import { endJupyter, findServer } from '../host/servers.ts';
import { type Api, requestShutdown } from '../jupyter/api.ts';
import { askKernels, isBusy } from '../jupyter/kernels.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Kernel, StopOutcome } from '../model/status.ts';
import {
  type JupyterRecord,
  type Records,
  updateRecords,
  withoutRecord,
  withRecord,
} from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { withBriefForward } from '../tunnel/brief-forward.ts';
import { serverTarget } from '../tunnel/local-port.ts';
import { onTunnel, releaseTunnel } from '../tunnel/tunnel.ts';
import { isPrivate } from './forward.ts';
import { redirectFile } from './open.ts';
import { reachableApi } from './prove.ts';
import { type Task, withServer } from './task.ts';

/** How long a server may take to tell its kernels to one who means to stop it. */
const KERNELS_TIMEOUT_MS = 5000;
/** A server that has kernels to shut gets so long to answer, and then so long to end. */
const SHUTDOWN_TIMEOUT_MS = 10_000;

/** Asked before kernels that compute are ended; a server that does not tell them is stopped all the same. */
export type MayEnd = (spec: ServerSpec, busy: readonly Kernel[]) => Promise<boolean>;

/**
 * Ends exactly this server, verifies that it is gone, and then ends its tunnel.
 * @param mayEnd undefined to end whatever its kernels do
 */
export function stopServer(
  spec: ServerSpec,
  mayEnd: MayEnd | undefined,
  context: Context,
): Promise<StopOutcome | 'refused'> {
  return withServer(spec, context, (task) => {
    context.report.phase('connect');
    return onTunnel(task.connection, context, async () => {
      const server = await runningServer(task);
      const outcome = server ? await endServer(server, task, mayEnd) : 'gone';
      if (outcome === 'refused') return outcome;
      context.report.phase('close');
      await changeRecord(spec, withoutRecord, context);
      return outcome;
    });
  });
}

/** The server on record, else the one that its host knows by this name. */
export async function runningServer(task: Task) {
  if (task.before?.jupyter) return task.before.jupyter;
  task.context.report.phase('find');
  const found = await findServer(task);
  return found?.record;
}

/**
 * Asks through the API first; whatever it answers, the host sees to it that the process is gone. A session there is
 * opened while the API is asked: to a far host each costs round trips.
 */
export async function endServer(
  server: JupyterRecord,
  task: Task,
  mayEnd: MayEnd | undefined,
): Promise<StopOutcome | 'refused'> {
  const graceMs = askToEnd(server, task, mayEnd);
  const outcome = await endJupyter(task, server, graceMs);
  return outcome === 'gone' && (await graceMs) !== 0 ? 'shutdown' : outcome;
}

/**
 * Asks the server to end itself, unless its kernels compute and the user will not have it. Where no tunnel leads to it, it
 * is asked only for the user's sake: by a brief forward.
 * @returns how many milliseconds it gets to end by itself
 */
async function askToEnd(
  server: JupyterRecord,
  { spec, before, connection, context }: Task,
  mayEnd: MayEnd | undefined,
): Promise<number | 'refused'> {
  const ask = async (api: Api | undefined) => {
    const busy = mayEnd ? api && (await busyKernels(api, context)) : [];
    if (busy?.length && !(await mayEnd?.(spec, busy))) return 'refused';
    context.report.phase('stop');
    // One that did not tell its kernels would not hear this either: the host's signals do.
    const agreed = api && busy && (await requestShutdown(api, context.signal, SHUTDOWN_TIMEOUT_MS));
    return agreed ? SHUTDOWN_TIMEOUT_MS : 0;
  };
  const api = before && (await reachableApi({ ...before, jupyter: server }, context));
  if (api || !mayEnd) return ask(api);
  return withBriefForward(connection, serverTarget(server), context, (socketPath) =>
    ask({ ...server, end: { socketPath } }),
  );
}

/** The kernels that compute just now. Undefined when the server does not tell. */
export async function busyKernels(api: Api, { signal }: Context): Promise<readonly Kernel[] | undefined> {
  // Nobody asks for its version here.
  return (await askKernels(api, '', signal, KERNELS_TIMEOUT_MS, isBusy))?.kernels;
}

/**
 * Ends the tunnel alone; the server runs on, and stays known here. Its ports are kept for the next tunnel,
 * but for those that other machines can reach: these are open only where they are named. Needs no connection.
 */
export function disconnectServer(spec: ServerSpec, context: Context): Promise<void> {
  return closeTunnel(spec, withClosed, context);
}

/** Ends the tunnel, and forgets the server here; it is left as it is. Needs no connection. */
export function forgetServer(spec: ServerSpec, context: Context): Promise<void> {
  return closeTunnel(spec, withoutRecord, context);
}

function closeTunnel(
  spec: ServerSpec,
  change: (records: Records, name: string) => Records,
  context: Context,
): Promise<void> {
  return withServer(spec, context, async ({ connection }) => {
    await changeRecord(spec, change, context);
    await releaseTunnel(connection, context);
  });
}

function withClosed(records: Records, name: string): Records {
  const record = records[name];
  if (!record) return records;
  const forwards = { ...record.forwards, further: record.forwards.further.filter(isPrivate) };
  return withRecord(records, { ...record, forwards, closed: true });
}

/** Takes back the page that holds the token, and makes the record what it is from now on. */
async function changeRecord(
  { name }: ServerSpec,
  change: (records: Records, name: string) => Records,
  context: Context,
): Promise<void> {
  rmSync(redirectFile(name, context.env), { force: true });
  await updateRecords(context, (records) => change(records, name));
}
