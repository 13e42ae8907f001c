import { verifySameServer } from '../../config/same-server.ts';
import type { InstallOrder } from '../../host/install/install.ts';
import type { Frame } from '../../host/protocol.ts';
import { askHost } from '../../host/run-script.ts';
import { jobIn, serverIn } from '../../host/server-record.ts';
import { launchScript } from '../../host/servers.ts';
import type { ServerSpec } from '../../model/server-spec.ts';
import type { ServerStatus } from '../../model/status.ts';
import { NO_FORWARDS, putRecord } from '../../state/records.ts';
import type { Context } from '../../system/context.ts';
import { Interrupted, UsageError } from '../../system/errors.ts';
import { onTunnel } from '../../tunnel/tunnel.ts';
import { type Started, startHeld } from '../start.ts';
import { serverStatus } from '../status.ts';
import { type Task, withServer } from '../task.ts';
import { installJupyter } from './install.ts';
import { undoStart } from './undo.ts';

/**
 * Submits the job of a server, unless it is there, and does not wait for its start.
 * @returns the status of the server, or what `startServer` returns if it is running already
 * @throws UsageError for a server that is to run without a job
 */
export function submitServer(
  spec: ServerSpec,
  order: { readonly timeoutMs: number; readonly install?: InstallOrder | undefined },
  context: Context,
): Promise<ServerStatus | Started> {
  if (spec.launcher === 'direct')
    throw new UsageError('--no-wait applies only to a server in a batch job', {
      remedy: 'Add --launcher with the scheduler of the cluster, or omit --no-wait.',
    });
  const { timeoutMs, install } = order;
  return withServer(spec, context, (task) => {
    const { before, connection } = task;
    if (before) verifySameServer(before, spec, context);
    context.report.phase('connect');
    return onTunnel(connection, context, async () => {
      if (install) await installJupyter(task, install);
      const frames = await submit(task, timeoutMs);
      const job = jobIn(frames);
      if (!job || serverIn(frames)) return startHeld(task, { kind: 'start', timeoutMs });
      const record = { spec, jupyter: undefined, job, forwards: before?.forwards ?? NO_FORWARDS };
      await putRecord(record, context);
      return serverStatus(record, context);
    });
  });
}

/** Submits the job, and returns the frames of the host. An interrupt undoes that. */
async function submit(task: Task, timeoutMs: number): Promise<Frame[]> {
  const { spec, context } = task;
  const id = Math.random().toString(36).slice(2);
  const script = launchScript(spec, 'start', id, { timeoutMs, isBrief: true });
  try {
    return await askHost(task, script, ({ key, value }) => {
      if (key === 'phase') context.report.phase(value);
    });
  } catch (error) {
    const isUndone = error instanceof Interrupted && (await undoStart(task, { id, folder: '' }));
    throw isUndone ? new Interrupted('Interrupted; nothing is left behind.') : error;
  }
}
