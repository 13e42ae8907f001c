import { clockTime } from '../model/job.ts';
import type { RunState } from '../model/run.ts';
import type { ServerJob, ServerState } from '../model/status.ts';

/** How long before the end of its job the user of a server is warned. */
const SOON_MS = 600_000;

/** The state of a server or a run in a job: `queued (Priority, expected 14:20)`, `running on oak, 3 h 12 min left`. */
export function jobCell(
  state: ServerState | RunState,
  job: Pick<ServerJob, 'reason' | 'expectedStart' | 'node' | 'endsAt'>,
  nowMs: number,
): string {
  const { reason, expectedStart, node, endsAt } = job;
  if (state === 'queued') {
    const expected = expectedStart === null ? '' : `expected ${clockTime(Date.parse(expectedStart), nowMs)}`;
    const known = [reason, expected].filter(Boolean).join(', ');
    return known === '' ? state : `${state} (${known})`;
  }
  if (state !== 'running' && state !== 'starting') return state;
  const where = node === null ? '' : ` on ${node}`;
  const left = endsAt === null ? '' : `, ${timeText(Date.parse(endsAt) - nowMs)} left`;
  return `${state}${where}${left}`;
}

/** A warning when the job of a running server is about to end. */
export function jobWarnings(state: ServerState, job: ServerJob | null, nowMs: number): string[] {
  if (state !== 'running' || !job?.endsAt || Date.parse(job.endsAt) - nowMs > SOON_MS) return [];
  return ['Its job ends soon, and its kernels with it: save your work.'];
}

function timeText(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}
