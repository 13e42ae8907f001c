import type { ServerJob } from './status.ts';

/**
 * How a run is, or how it ended. `queued`: its batch job has not been started yet. `job-ended`: the scheduler has ended its job, and
 * `why` says the reason, such as the time limit. `waiting`: everything is computed, and there is no room to save it. `rebooted` and `lost`: its
 * processes are gone, and it had no time to say why. `elsewhere`: it is on another node with this home folder. `unknown`: its
 * host could not be asked, and `why` says the reason.
 */
export type RunState =
  | 'queued'
  | 'starting'
  | 'running'
  | 'waiting'
  | 'stopping'
  | 'elsewhere'
  | 'unknown'
  | 'done'
  | 'failed'
  | 'kernel-died'
  | 'timeout'
  | 'cancelled'
  | 'unfit'
  | 'broken'
  | 'job-ended'
  | 'rebooted'
  | 'lost';

/** A notebook that is executed on a host, as `--json` prints it. Later versions add fields; none is renamed. */
export interface RunStatus {
  readonly name: string;
  readonly destination: string;
  readonly state: RunState;
  /** The exit status of its driver; null while it is running. */
  readonly exit: number | null;
  /** The cell that is executed now, or in which the run ended. */
  readonly cell: {
    /** In the notebook, from 0. */
    readonly index: number;
    /** Among the code cells, from 1. */
    readonly number: number;
    readonly title: string | null;
    /** ISO 8601. */
    readonly since: string | null;
  } | null;
  /** Number of executed cells, and of all that are to be executed. */
  readonly done: number;
  readonly cells: number;
  /** ISO 8601, by the clock of this machine. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly elapsedSeconds: number | null;
  readonly kernel: string | null;
  /** The program of its kernel: for Python, that which its cells get. */
  readonly program: string | null;
  /** The error of the cell that failed. */
  readonly error: { readonly name: string; readonly value: string } | null;
  /** Why its kernel died, it could not begin, or its job was ended; what its job waits for while it is `queued`. */
  readonly why: string | null;
  /** The last line that its kernel itself printed, if it died. */
  readonly words: string | null;
  /** Those that were set, unless they are very long. */
  readonly parameters: Readonly<Record<string, unknown>> | null;
  readonly notes: readonly string[];
  /** The connection file of the kernel of a failed run, while that is kept. */
  readonly kept: string | null;
  readonly folder: string;
  readonly directory: string;
  readonly node: string;
  /** Its batch job; null if it is a process of its host. */
  readonly job: RunJob | null;
  /** The machine from which it was started. */
  readonly from: string | null;
}

/** The batch job of a run. Its reason is null once the run has written how it ended. */
export type RunJob = Omit<ServerJob, 'resources'>;

/** The states of a run that has not ended. */
const UNENDED: readonly RunState[] = [
  'queued',
  'starting',
  'running',
  'waiting',
  'stopping',
  'elsewhere',
  'unknown',
];

export function hasEnded({ state }: Pick<RunStatus, 'state'>): boolean {
  return !UNENDED.includes(state);
}

/** Whether a run has begun to write its notebook: a job that has not begun, or could not, has none. */
export function hasNotebook({ kernel }: Pick<RunStatus, 'kernel'>): boolean {
  return kernel !== null;
}

/** The exit status of a command that has waited for the run. */
export function exitStatusOf({ state }: Pick<RunStatus, 'state'>): number {
  if (state === 'done') return 0;
  return state === 'cancelled' ? 130 : 1;
}

/** What a driver is asked: see `Order` in host/driver.py. Durations are in seconds. */
export interface RunOrder {
  readonly notebook: string;
  /** A JSON object, as text. */
  readonly parameters: string;
  readonly kernel?: string | undefined;
  readonly cell_timeout?: number | undefined;
  readonly allow_errors?: boolean | undefined;
  readonly keep_kernel?: number | undefined;
  readonly then_command?: string | undefined;
}

/**
 * How a run was stopped: `gone` if it had already ended, `released` if it had ended and its kernel was kept, `killed` if only its
 * kernel was there, or it did not respond.
 */
export type RunOutcome = 'cancelled' | 'killed' | 'released' | 'gone';
