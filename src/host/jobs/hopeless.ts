import type { Job, JobStatus } from '../../model/job.ts';
import { waitOf } from './jobs.ts';

/**
 * How long a reason has to stay, in milliseconds. The first one of a new job can be vague until its scheduler looks at it again,
 * which takes up to 4 s. A start asks after 1, 2, 4 and 8 s.
 */
const PASSES_WITHIN_MS = 3500;

/** Tells whether a job waits for something that does not come by itself. */
export class HopelessWait {
  #reason: string | null = null;
  #since = 0;

  /**
   * @param status the scheduler's newest answer about the job
   * @param now in milliseconds since 1970
   * @returns `no`, `perhaps` if this reason may still pass, or `yes`
   */
  look(job: Pick<Job, 'scheduler'>, status: Pick<JobStatus, 'state' | 'reason'>, now = Date.now()) {
    if (!waitOf(job, status).isFinal) {
      this.#reason = null;
      return 'no';
    }
    if (status.reason !== this.#reason) this.#since = now;
    this.#reason = status.reason;
    return now - this.#since >= PASSES_WITHIN_MS ? 'yes' : 'perhaps';
  }
}
