import { askJobs, endText, type FoundJob, jobOf } from '../../host/jobs/jobs.ts';
import { isoTime } from '../../model/elapsed.ts';
import type { Job, JobStatus } from '../../model/job.ts';
import type { ServerJob, ServerState } from '../../model/status.ts';
import type { Connection } from '../../ssh/arguments.ts';
import type { ServerRecord } from '../../state/records.ts';
import { type Context, endedBy, timeLimit } from '../../system/context.ts';
import { Failure, Interrupted } from '../../system/errors.ts';
import { connectionOf } from '../../tunnel/connection.ts';

/** Timeout for the answer of a scheduler. */
const SCHEDULER_TIMEOUT_MS = 10_000;

/** What is known of a server by its job alone. */
export interface QueueFindings {
  readonly state: ServerState;
  /** Why the state is unknown, or the server has ended. */
  readonly reason?: string;
  readonly job?: JobStatus;
  /** The last lines of its log, if it has ended. */
  readonly log?: readonly string[];
}

/** The jobs of servers that have not been started yet. The scheduler of each host is asked once about all of them. */
export class Queue {
  readonly #records: readonly ServerRecord[];
  readonly #context: Context;
  readonly #answers = new Map<string, Promise<ReadonlyMap<string, FoundJob>>>();

  constructor(records: readonly ServerRecord[], context: Context) {
    this.#records = records;
    this.#context = context;
  }

  async findings(job: Job, connection: Connection): Promise<QueueFindings> {
    const late = timeLimit(SCHEDULER_TIMEOUT_MS);
    try {
      const found = (await this.#ask(job.scheduler, connection, late)).get(job.id);
      if (!found) return { state: 'unknown' };
      const { status, log } = found;
      if (status.state === 'queued') return { state: 'queued', job: status };
      if (status.state === 'running') return { state: 'starting', job: status };
      const reason = endText(job, status.reason ?? '');
      return { state: 'stopped', job: status, log, ...(reason && { reason }) };
    } catch (error) {
      if (this.#context.signal.aborted) throw new Interrupted();
      if (!(error instanceof Failure)) throw error;
      const reason = late.aborted
        ? `the scheduler of ${connection.destination} does not answer`
        : error.message;
      return { state: 'unknown', reason };
    }
  }

  #ask(scheduler: string, connection: Connection, late: AbortSignal): Promise<ReadonlyMap<string, FoundJob>> {
    const key = `${scheduler} ${connection.folder}`;
    const known = this.#answers.get(key);
    if (known) return known;
    const isAsked = ({ job, spec }: ServerRecord) =>
      job?.scheduler === scheduler && connectionOf(spec, this.#context.env).folder === connection.folder;
    const records = this.#records.filter(isAsked);
    const [first] = records;
    const server = first && { connection, spec: first.spec, context: endedBy(late, this.#context) };
    const jobs = records.flatMap(({ job }) => job ?? []);
    const answer = server ? askJobs(server, jobs) : Promise.resolve(new Map<string, FoundJob>());
    this.#answers.set(key, answer);
    return answer;
  }
}

/** The job of a server, as the last answer of its scheduler, or the start of the server, has shown it. */
export function describeJob(
  { spec, jupyter, job: queued }: ServerRecord,
  found: QueueFindings,
): ServerJob | null {
  const job = jupyter ? jobOf(jupyter) : queued;
  if (!job) return null;
  const { time, cpus, memory, gpus, partition, account } = spec;
  const requested = { time, cpus, memory, gpus, partition, account };
  const resources = Object.entries(requested).map(([name, value]) => [name, value ?? null]);
  const states = { running: 'running', stopped: 'over' } as const;
  return {
    scheduler: job.scheduler,
    id: job.id,
    state: states[found.state as keyof typeof states] ?? found.job?.state ?? null,
    reason: found.job?.reason ?? null,
    node: found.job?.node ?? jupyter?.allotment?.node ?? null,
    expectedStart: isoTime(found.job?.expectedStart),
    endsAt: isoTime(found.job?.endsAt ?? jupyter?.allotment?.endsAt),
    resources: Object.fromEntries(resources),
  };
}
