import { rmSync } from 'node:fs';
import { endJob } from '../host/jobs/jobs.ts';
import { endJupyter, findOnHost, listensItself } from '../host/servers.ts';
import { type Api, requestShutdown } from '../jupyter/api.ts';
import { askKernels, isBusy } from '../jupyter/kernels.ts';
import type { Job } from '../model/job.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Kernel, StopOutcome } from '../model/status.ts';
import {
  isGuarded,
  type JupyterRecord,
  type ServerRecord,
  type State,
  updateState,
  withRecord,
  withStopped,
} from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Interrupted } from '../system/errors.ts';
import { withBriefForward } from '../tunnel/brief-forward.ts';
import { verifyMaster } from '../tunnel/master.ts';
import { serverTarget } from '../tunnel/target.ts';
import { onTunnel, releaseTunnel, withdrawForward } from '../tunnel/tunnel.ts';
import { isPrivate } from './forward.ts';
import { redirectFile } from './open.ts';
import { REQUEST_TIMEOUT_MS, reachableApi } from './prove.ts';
import { type Task, withServer } from './task.ts';

/** Timeout for the response to a shutdown request, and then for the end of the server. */
const SHUTDOWN_TIMEOUT_MS = 10_000;

/** Decides whether busy kernels may be ended. Not called for a server that does not report its kernels. */
export type MayEnd = (spec: ServerSpec, busy: readonly Kernel[]) => Promise<boolean>;

/**
 * Ends exactly this server, verifies that it is gone, and then closes its tunnel.
 * @param mayEnd undefined to end the server even if its kernels are busy
 * @throws Interrupted, which says how to stop it after all: the record stays until the server is known to be gone
 */
export function stopServer(
  spec: ServerSpec,
  mayEnd: MayEnd | undefined,
  context: Context,
): Promise<StopOutcome | 'refused'> {
  return withServer(spec, context, (task) => {
    context.report.phase('connect');
    return onTunnel(task.connection, context, async () => {
      const { server, job } = await findToStop(task);
      const outcome = server
        ? await endServer(server, task, mayEnd)
        : job
          ? await endQueued(job, task)
          : 'gone';
      if (outcome === 'refused') return outcome;
      context.report.phase('close');
      await changeRecord(spec, withStopped, context);
      return outcome;
    }).catch((error: unknown) => {
      if (!(error instanceof Interrupted) || !task.before) throw error;
      throw new Interrupted(
        `Interrupted. "${spec.name}" may still be running, and its record is kept. To stop it: remote-notebook stop ${spec.name}`,
      );
    });
  });
}

/** Returns the server on record, or else the one that its host knows by this name. */
export async function runningServer(task: Task): Promise<JupyterRecord | undefined> {
  return (await findToStop(task)).server;
}

/** The same, or the job that will start it. */
async function findToStop(
  task: Task,
): Promise<{ server?: JupyterRecord | undefined; job?: Job | undefined }> {
  if (task.before?.jupyter) return { server: task.before.jupyter };
  task.context.report.phase('find');
  const { server, job } = await findOnHost(task);
  return { server: server?.record, job: job ?? task.before?.job };
}

/** Cancels a job that has not started its server yet. */
function endQueued(job: Job, task: Task): Promise<StopOutcome | 'refused'> {
  task.context.report.phase('stop');
  return endJob(task, job, Promise.resolve(0));
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
 * Requests the server to shut down, unless its kernels are busy and the user declines. A server on a port without a relay is
 * asked by a brief forward: its own is cancelled before it ends, because another user of the host could take the port, and
 * open pages would connect there. Without a tunnel, a brief forward is set up, but only to ask the user about busy kernels.
 * @returns the milliseconds that the server gets to end by itself
 */
async function requestEnd(
  server: JupyterRecord,
  task: Task,
  mayEnd: MayEnd | undefined,
): Promise<number | 'refused'> {
  const { spec, before, connection, context } = task;
  const request = async (api: Api | undefined) => {
    const busy = mayEnd ? api && (await busyKernels(api, context)) : [];
    if (busy?.length && !(await mayEnd?.(spec, busy))) return 'refused';
    context.report.phase('stop');
    if (before) await withdrawForward(before, context);
    // An ssh that hangs would pass the request on much later, when the user believes that the server keeps running.
    if (api && !mayEnd) await verifyMaster(connection, context);
    // A server that did not report its kernels would not respond to this either.
    const agreed = api && busy && (await requestShutdown(api, context.signal, SHUTDOWN_TIMEOUT_MS));
    return agreed ? SHUTDOWN_TIMEOUT_MS : 0;
  };
  const known = before && { ...before, jupyter: server };
  const isSafe = isGuarded({ ...before, jupyter: server });
  const api = known && isSafe ? await reachableApi(known, context) : undefined;
  if (api || (isSafe && !mayEnd)) return request(api);
  const isOurs = () => listensItself(task, server);
  return withBriefForward(connection, serverTarget(server), context, (socketPath) =>
    request({ ...server, end: { socketPath }, isOurs }),
  );
}

/** Whether the user agrees to the end of what the kernels of a server that responds are computing. */
export async function isEndAgreed(task: Task, mayEnd: MayEnd | undefined): Promise<boolean> {
  const { spec, before, context } = task;
  const api = mayEnd && before && (await reachableApi(before, context));
  const busy = api ? await busyKernels(api, context) : [];
  return !busy?.length || (await mayEnd?.(spec, busy)) === true;
}

/** Returns the busy kernels, or undefined when the server does not report them. */
export async function busyKernels(api: Api, { signal }: Context): Promise<readonly Kernel[] | undefined> {
  return (await askKernels(api, '', signal, REQUEST_TIMEOUT_MS, isBusy))?.kernels;
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
  return closeTunnel(spec, withStopped, context);
}

function closeTunnel(spec: ServerSpec, change: Change, context: Context): Promise<void> {
  return withServer(spec, context, async ({ connection }) => {
    await changeRecord(spec, change, context);
    await releaseTunnel(connection, context);
  });
}

function withClosed(state: State, { name }: ServerSpec): State {
  const record = state.servers[name];
  if (!record) return state;
  const forwards = { ...record.forwards, further: record.forwards.further.filter(isPrivate) };
  const closed: ServerRecord = { ...record, forwards, closed: true };
  return { ...state, servers: withRecord(state.servers, closed) };
}

type Change = typeof withClosed;

/** Removes the page that contains the token, and changes the record. */
async function changeRecord(spec: ServerSpec, change: Change, context: Context): Promise<void> {
  rmSync(redirectFile(spec.name, context.env), { force: true });
  await updateState(context, (state) => change(state, spec));
}
