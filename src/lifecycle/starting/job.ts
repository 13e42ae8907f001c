import { HopelessWait } from '../../host/jobs/hopeless.ts';
import { jobText, waitOf } from '../../host/jobs/jobs.ts';
import type { HostServer } from '../../host/server-record.ts';
import type { Launch } from '../../host/servers.ts';
import type { Job, JobStatus } from '../../model/job.ts';
import type { ServerSpec } from '../../model/server-spec.ts';
import { SshFailure } from '../../ssh/causes/messages.ts';
import { NO_FORWARDS, putRecord } from '../../state/records.ts';
import { type Context, endedBy } from '../../system/context.ts';
import { Failure, Interrupted } from '../../system/errors.ts';
import { HangingSsh } from '../../tunnel/master.ts';
import type { Task } from '../task.ts';

/** Whether a job that has not started stays in the queue when the user has interrupted its start. */
export type KeepJob = (job: Job) => Promise<boolean>;

/** The job of a start, while that waits for it: puts it on record, shows what it waits for, and gives up when that can never start. */
export class AwaitedJob {
  readonly #task: Task;
  readonly #giveUp = new AbortController();
  readonly #wait = new HopelessWait();
  #job: Job | undefined;
  #status: JobStatus | undefined;
  #shown = '';
  #recorded: Promise<void> = Promise.resolve();

  constructor(task: Task) {
    this.#task = task;
  }

  /** A context that ends when the job can never start. */
  get context(): Context {
    return endedBy(this.#giveUp.signal, this.#task.context);
  }

  /** Takes what a scheduler has reported. */
  readonly onJob = (job: Job, status: JobStatus | undefined): void => {
    const { spec, before, context } = this.#task;
    if (!this.#job) {
      this.#job = job;
      const forwards = before?.forwards ?? NO_FORWARDS;
      this.#recorded = putRecord({ spec, jupyter: undefined, job, forwards }, context);
      this.#recorded.catch(() => {});
    }
    if (!status) return;
    this.#status = status;
    const text = jobText(job, status);
    if (text !== this.#shown) context.report.note(text);
    this.#shown = text;
    if (this.#wait.look(job, status) !== 'yes') return;
    const remedy = `${waitOf(job, status).remedy}\n${this.#advice}`;
    this.#giveUp.abort(new Failure(`${text}, so it will not start by itself`, { remedy }));
  };

  /** Waits until the job is on record. */
  recorded(): Promise<void> {
    return this.#recorded;
  }

  /** Whether a failure is only that of the connection, while the job waits or starts its server. */
  outlives(error: unknown): boolean {
    return this.#job !== undefined && [SshFailure, HangingSsh].some((kind) => error instanceof kind);
  }

  noteLoss(): void {
    const { spec, context } = this.#task;
    context.report.note(
      `the connection to ${spec.destination} was lost; ${this.#stays}, and this command waits for the connection`,
    );
    this.#shown = '';
  }

  /**
   * The failure that a start reports if it leaves its job: the user interrupted it, the connection was lost, or the job can
   * never start. Undefined if the start has to be undone.
   * @param keepJob asks the user about a job that has not started
   */
  async failureOf(error: unknown, launch: Launch, keepJob?: KeepJob): Promise<Failure | undefined> {
    if (this.#giveUp.signal.aborted && !this.#task.context.signal.aborted) return this.#giveUp.signal.reason;
    if (!this.#job) return undefined;
    if (this.outlives(error))
      return new Failure(`${(error as Failure).message}; ${this.#stays}`, {
        remedy: this.#advice,
        cause: error,
      });
    if (!(error instanceof Interrupted)) return undefined;
    if (!this.#isQueued && launch.isOwnJob) return undefined;
    if (!this.#isQueued || !keepJob || (await keepJob(this.#job)))
      return new Interrupted(`Interrupted; ${this.#stays}.\n${this.#advice}`);
    launch.isOwnJob = true;
    return undefined;
  }

  get #isQueued(): boolean {
    return this.#status === undefined || this.#status.state === 'queued';
  }

  get #stays(): string {
    return `the job ${this.#job?.id} ${this.#isQueued ? 'stays in the queue' : 'keeps running'}`;
  }

  get #advice(): string {
    const { name } = this.#task.spec;
    return `To wait for it again: remote-notebook start ${name}. To cancel it: remote-notebook stop ${name}`;
  }
}

/** @throws Failure when the server of a job has no relay: nothing else leads from the host to its node */
export function verifyRelay({ destination }: ServerSpec, { record, relay }: HostServer): void {
  if (record.identity.kind !== 'job' || record.host !== undefined || relay) return;
  throw new Failure(
    `the node of the job ${record.identity.id} on ${destination} has no Python 3.8 or newer that can carry the connections to its server`,
    {
      remedy:
        'Name an environment that has one with --environment, or add a setup command: module load python',
    },
  );
}

/** Warns of a server in a job that others on the cluster can reach. */
export function noteExposure({ spec, context }: Task, { record }: HostServer): void {
  if (record.identity.kind !== 'job' || record.host === undefined) return;
  context.report.note(
    `everyone on the cluster of ${spec.destination} can reach the login page of "${spec.name}" at ${record.host}:${record.port}; only the token protects it`,
  );
}
