import { schedulerNamed } from '../../launchers/launchers.ts';
import { isoTime } from '../../model/elapsed.ts';
import type { Job, JobStatus } from '../../model/job.ts';
import type { RunJob, RunState, RunStatus } from '../../model/run.ts';
import { defaultName, makeSpec, type ServerSpec } from '../../model/server-spec.ts';
import { attempt } from '../../system/errors.ts';
import { HostFailure, reportIn } from '../failures.ts';
import { endText, jobText, waitOf } from '../jobs/jobs.ts';
import { type Frame, lastValue } from '../protocol.ts';
import { jobIn, jobStatusIn } from '../server-record.ts';

/** What is known of a run by its job alone. */
interface JobFindings {
  readonly job: RunJob;
  /** The state of a run that has not written how it ended; undefined while its driver may be running. */
  readonly state: RunState | undefined;
  /** Whether its scheduler has ended the job, which the driver can only see as a signal. */
  readonly isEndedByScheduler: boolean;
  readonly why: string | null;
}

/** What these frames say about the job of a run; undefined for a run without one. */
export function runJobIn(frames: readonly Frame[], destination: string): JobFindings | undefined {
  const job = jobIn(frames);
  if (!job) return undefined;
  const status = jobStatusIn(frames);
  const endedBy = meaningOfEnd(job, status)?.endedBy;
  const { state, why } = preventedIn(frames, destination) ??
    unansweredIn(frames, job, destination) ?? {
      state: stateOf(status, endedBy),
      why: whyOf(job, status, frames),
    };
  return { job: describeRunJob(job, status), state, isEndedByScheduler: endedBy === 'scheduler', why };
}

/** The run after its scheduler has said something else about its job. @param queue the value of a frame `queue` */
export function withQueue(run: RunStatus, queue: string): RunStatus {
  if (!run.job) return run;
  const { scheduler, id } = run.job;
  const frames: Frame[] = [
    { key: 'job', value: `${scheduler} ${id}` },
    { key: 'queue', value: queue },
  ];
  const found = runJobIn(frames, run.destination);
  return found ? { ...run, job: found.job, state: found.state ?? 'starting', why: found.why } : run;
}

function describeRunJob({ scheduler, id }: Job, status: JobStatus | undefined): RunJob {
  return {
    scheduler,
    id,
    state: status?.state ?? null,
    reason: status?.reason ?? null,
    node: status?.node ?? null,
    expectedStart: isoTime(status?.expectedStart),
    endsAt: isoTime(status?.endsAt),
  };
}

function meaningOfEnd({ scheduler }: Job, status: JobStatus | undefined) {
  return status?.state === 'over' ? schedulerNamed(scheduler)?.ended(status.reason ?? '') : undefined;
}

function stateOf(
  status: JobStatus | undefined,
  endedBy: 'user' | 'scheduler' | undefined,
): RunState | undefined {
  if (status?.state === 'queued') return 'queued';
  if (status?.state === 'running') return undefined;
  if (status?.state === 'ending') return 'stopping';
  if (endedBy === undefined) return 'lost';
  return endedBy === 'user' ? 'cancelled' : 'job-ended';
}

function whyOf(job: Job, status: JobStatus | undefined, frames: readonly Frame[]): string | null {
  if (status?.state === 'queued') {
    const { isFinal, remedy = '' } = waitOf(job, status);
    return `${jobText(job, status)}${isFinal ? `, so it will not start by itself. ${remedy}` : ''}`;
  }
  if (status?.state !== 'over') return null;
  const last = frames.findLast(({ key }) => key === 'log')?.value;
  const why = endText(job, status.reason ?? '') ?? null;
  return last === undefined || meaningOfEnd(job, status)?.endedBy ? why : `${why}. It printed last: ${last}`;
}

/** Why the job of a run has not begun to execute its notebook. */
function preventedIn(frames: readonly Frame[], destination: string) {
  if (lastValue(frames, 'prevented') === undefined) return undefined;
  const asFailure = frames.map((frame) =>
    frame.key === 'prevented' ? { ...frame, key: 'failed' as const } : frame,
  );
  const environment = lastValue(frames, 'environment') || undefined;
  const { message, remedy } = new HostFailure(reportIn(asFailure), specOf(destination, environment));
  // It is shown in one line.
  const why = [message, remedy]
    .filter(Boolean)
    .join('. ')
    .replace(/[\s.]*\n\s*/g, '. ');
  return { state: 'unfit' as const, why };
}

function unansweredIn(frames: readonly Frame[], { scheduler }: Job, destination: string) {
  const words = lastValue(frames, 'unanswered');
  if (words === undefined) return undefined;
  const title = schedulerNamed(scheduler)?.title ?? scheduler;
  return {
    state: 'unknown' as const,
    why: `${title} on ${destination} does not answer${words && `: ${words}`}`,
  };
}

/** @param environment as a host has reported it, which may not be valid */
function specOf(destination: string, environment: string | undefined): ServerSpec {
  const name = defaultName(destination);
  return attempt(() => makeSpec(name, { destination, environment })) ?? makeSpec(name, { destination });
}
