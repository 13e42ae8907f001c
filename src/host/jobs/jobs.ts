import { type Meaning, submission } from '../../launchers/launcher.ts';
import { launcherOf, schedulerNamed } from '../../launchers/launchers.ts';
import { clockTime, type Job, type JobStatus } from '../../model/job.ts';
import type { ServerSpec } from '../../model/server-spec.ts';
import type { StopOutcome } from '../../model/status.ts';
import type { JupyterRecord } from '../../state/records.ts';
import { framesFrom, lastValue } from '../protocol.ts';
import { askHost, type OnHost } from '../run-script.ts';
import { type Script, scriptText } from '../script.ts';
import { jobStatusIn } from '../server-record.ts';

/**
 * The variables with which a script submits a job, or empty ones: see jobs/submit.sh.
 * @param spec its name becomes a part of that of the job
 * @param first what the job runs
 */
export function jobVariables(spec: ServerSpec, first: Script) {
  const launcher = launcherOf(spec);
  const scheduler = launcher ? spec.launcher : '';
  const script = { ...first, variables: { ...first.variables, scheduler } };
  return { scheduler, submit: submissionOf(spec), job_script: launcher ? scriptText(script) : '' };
}

/** The shell code that submits a job, where $folder is the folder of its record; empty for what needs no job. */
export function submissionOf(spec: ServerSpec): string {
  const launcher = launcherOf(spec);
  return launcher ? submission(launcher.submitLine(spec)) : '';
}

/** What a job is doing, and the last lines of its logs if it is over. */
export interface FoundJob {
  readonly status: JobStatus;
  readonly log: readonly string[];
}

/**
 * Asks a scheduler, once, about jobs.
 * @returns what it knows, by their IDs
 * @throws HostFailure when it does not answer
 */
export async function askJobs(server: OnHost, jobs: readonly Job[]): Promise<ReadonlyMap<string, FoundJob>> {
  const [first] = jobs;
  if (!first) return new Map();
  const lines = jobs.map(({ id, folder }) => `${id} ${folder}`);
  const variables = { scheduler: first.scheduler, jobs: lines.join('\n') };
  const frames = await askHost(server, { name: 'jobs', variables });
  const found = new Map<string, FoundJob>();
  for (const { id } of jobs) {
    const own = framesFrom(frames, 'job', `${first.scheduler} ${id}`);
    const status = jobStatusIn(own);
    const log = own.filter(({ key }) => key === 'log').map(({ value }) => value);
    if (status) found.set(id, { status, log });
  }
  return found;
}

/**
 * Whether the job of a server on record has not ended; if it has, why, and the last lines of its logs.
 * @throws HostFailure when its scheduler does not answer
 */
export async function lookAtJob(server: OnHost, job: Job) {
  const { status, log = [] } = (await askJobs(server, [job])).get(job.id) ?? {};
  const lives = status?.state === 'running' || status?.state === 'queued';
  return { lives, log, why: lives ? undefined : endText(job, status?.reason ?? '') };
}

/** Why a job has ended, and what to do, for people. @param reason the words of its scheduler */
export function endText(
  { scheduler, id }: Pick<Job, 'scheduler' | 'id'>,
  reason: string,
): string | undefined {
  const meaning = schedulerNamed(scheduler)?.ended(reason);
  return meaning && [`the job ${id} ${meaning.text}`, meaning.remedy].filter(Boolean).join('. ');
}

/** The meaning of what a job waits for, for people. */
export function waitOf(
  { scheduler }: Pick<Job, 'scheduler'>,
  { state, reason }: Pick<JobStatus, 'state' | 'reason'>,
): Meaning {
  const meaning =
    state === 'queued' && reason !== null ? schedulerNamed(scheduler)?.waiting(reason) : undefined;
  return meaning ?? { text: '', isFinal: false };
}

/** What a job is doing, for people: `job 17 waits for free nodes (expected to start at 14:20)`. */
export function jobText(job: Pick<Job, 'scheduler' | 'id'>, status: JobStatus): string {
  const { state, node, expectedStart, reason } = status;
  const where = node === null ? '' : ` on ${node}`;
  if (state !== 'queued') return `job ${job.id} is ${state}${where}`;
  const expected = expectedStart === null ? '' : ` (expected to start at ${clockTime(expectedStart)})`;
  const { text } = waitOf(job, status);
  const why = reason === null ? '' : text.startsWith('for ') ? ` ${text}` : `: ${text} (${reason})`;
  return `job ${job.id} waits${why}${expected}`;
}

/** The job of a server on record; undefined for a process. */
export function jobOf({ identity, folder }: JupyterRecord): Job | undefined {
  return identity.kind === 'job' ? { scheduler: identity.scheduler, id: identity.id, folder } : undefined;
}

/**
 * Ends a job, and verifies that it is gone.
 * @param order how many milliseconds it gets to end by itself, or `refused` to leave it
 * @throws HostFailure when its scheduler does not answer, or still lists it
 */
export async function endJob(
  server: OnHost,
  { scheduler, id, folder }: Job,
  order: Promise<number | 'refused'>,
): Promise<StopOutcome | 'refused'> {
  const graceMs = await order;
  if (graceMs === 'refused') return graceMs;
  const variables = { folder, job: `${scheduler} ${id}`, grace: String(Math.ceil(graceMs / 1000)) };
  const frames = await askHost(server, { name: 'end', variables });
  return (lastValue(frames, 'stopped') as StopOutcome | undefined) ?? 'gone';
}
