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

/** Timeout for the list of a server's kernels. */
const KERNELS_TIMEOUT_MS = 5000;
/** Timeout for the response to a shutdown request, and then for the end of the server. */
const SHUTDOWN_TIMEOUT_MS = 10_000;

/** Decides whether busy kernels may be ended. Not called for a server that does not report its kernels. */
export type MayEnd = (spec: ServerSpec, busy: readonly Kernel[]) => Promise<boolean>;

/**
 * Ends exactly this server, verifies that it is gone, and then closes its tunnel.
 * @param mayEnd undefined to end the server even if its kernels are busy
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

/** Returns the server on record, or else the one that its host knows by this name. */
export async function runningServer(task: Task) {
  if (task.before?.jupyter) return task.before.jupyter;
  task.context.report.phase('find');
  return (await findServer(task))?.record;
}

/**
 * Sends a shutdown request to the API, then makes sure on the host that the process is gone. The session on the host
 * opens during the request: each takes several round trips.
 */
export async function endServer(
  server: JupyterRecord,
  task: Task,
  mayEnd: MayEnd | undefined,
): Promise<StopOutcome | 'refused'> {
  const graceMs = requestEnd(server, task, mayEnd);
  const outcome = await endJupyter(task, server, graceMs);
  return outcome === 'gone' && (await graceMs) !== 0 ? 'shutdown' : outcome;
}

/**
 * Requests the server to shut down, unless its kernels are busy and the user declines. Without a tunnel, a brief forward
 * is set up, but only to ask the user about busy kernels.
 * @returns the milliseconds that the server gets to end by itself
 */
async function requestEnd(
  server: JupyterRecord,
  { spec, before, connection, context }: Task,
  mayEnd: MayEnd | undefined,
): Promise<number | 'refused'> {
  const request = async (api: Api | undefined) => {
    const busy = mayEnd ? api && (await busyKernels(api, context)) : [];
    if (busy?.length && !(await mayEnd?.(spec, busy))) return 'refused';
    context.report.phase('stop');
    // A server that did not report its kernels would not respond to this either.
    const agreed = api && busy && (await requestShutdown(api, context.signal, SHUTDOWN_TIMEOUT_MS));
    return agreed ? SHUTDOWN_TIMEOUT_MS : 0;
  };
  const api = before && (await reachableApi({ ...before, jupyter: server }, context));
  if (api || !mayEnd) return request(api);
  return withBriefForward(connection, serverTarget(server), context, (socketPath) =>
    request({ ...server, end: { socketPath } }),
  );
}

/** Returns the busy kernels, or undefined when the server does not report them. */
export async function busyKernels(api: Api, { signal }: Context): Promise<readonly Kernel[] | undefined> {
  return (await askKernels(api, '', signal, KERNELS_TIMEOUT_MS, isBusy))?.kernels;
}

/**
 * Closes the tunnel. The server keeps running and stays on record, with its local ports except those that other machines
 * can use: the user must request these each time. Needs no connection.
 */
export function disconnectServer(spec: ServerSpec, context: Context): Promise<void> {
  return closeTunnel(spec, withClosed, context);
}

/** Closes the tunnel and removes the record. The server is left as it is. Needs no connection. */
export function forgetServer(spec: ServerSpec, context: Context): Promise<void> {
  return closeTunnel(spec, withoutRecord, context);
}

function closeTunnel(spec: ServerSpec, change: Change, context: Context): Promise<void> {
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

type Change = typeof withClosed;

/** Removes the page that contains the token, and changes the record. */
async function changeRecord({ name }: ServerSpec, change: Change, context: Context): Promise<void> {
  rmSync(redirectFile(name, context.env), { force: true });
  await updateRecords(context, (records) => change(records, name));
}
