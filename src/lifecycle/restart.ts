import { jobOf } from '../host/jobs/jobs.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { JupyterRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { onTunnel } from '../tunnel/tunnel.ts';
import { type Started, startHeld } from './start.ts';
import { endServer, isEndAgreed, type MayEnd, runningServer } from './stop.ts';
import { withServer } from './task.ts';

/** The time that a job must have left for another server. */
const LEAST_LEFT_MS = 600_000;

/** How to restart a server. */
export interface RestartOrder {
  /** How long Jupyter may take to start. */
  readonly timeoutMs: number;
  /** Whether a server in a batch job gets a new one. Otherwise it is restarted in its job, if that has time left. */
  readonly inNewJob?: boolean | undefined;
}

/**
 * Ends the server and starts it again, at the same local port. Its kernels are lost, and its token is new.
 * A server that is not running is started.
 * @param mayEnd undefined to end the server even if its kernels are busy
 */
export function restartServer(
  spec: ServerSpec,
  mayEnd: MayEnd | undefined,
  { timeoutMs, inNewJob = false }: RestartOrder,
  context: Context,
): Promise<Started | 'refused'> {
  return withServer(spec, context, (task) => {
    context.report.phase('connect');
    return onTunnel(task.connection, context, async () => {
      const former = await runningServer(task);
      const way = { kind: 'start', timeoutMs, former } as const;
      if (former && !inNewJob && hasJobWithTime(former, context)) {
        if (!(await isEndAgreed(task, mayEnd))) return 'refused';
        return startHeld(task, { ...way, inSameJob: true });
      }
      if (former && (await endServer(former, task, mayEnd)) === 'refused') return 'refused';
      return startHeld(task, way);
    });
  });
}

/** Whether a server is in a job that has time left for another one. */
function hasJobWithTime(server: JupyterRecord, { report }: Context): boolean {
  if (!jobOf(server)) return false;
  const left = (server.allotment?.endsAt ?? Number.POSITIVE_INFINITY) - Date.now();
  if (left >= LEAST_LEFT_MS) return true;
  report.note('its job ends soon, so the server gets a new one');
  return false;
}
