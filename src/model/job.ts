import * as v from 'valibot';

/** `ending` is a job that has ended, or is being ended, and still has its nodes. */
type JobState = 'queued' | 'running' | 'ending' | 'over';

export const JobSchema = v.object({
  /** The name of its launcher. */
  scheduler: v.string(),
  id: v.string(),
  /** The folder of the server's record on the host. */
  folder: v.string(),
});

/** The job of a server. */
export type Job = Readonly<v.InferOutput<typeof JobSchema>>;

/** What the job of a running server has. */
export const AllotmentSchema = v.object({
  node: v.nullable(v.string()),
  /** When its time is over; in milliseconds since 1970. */
  endsAt: v.nullable(v.number()),
});

/** What a scheduler reports about a job. */
export interface JobStatus {
  readonly state: JobState;
  /** The scheduler's own word for why it waits, or how it ended; null if there is none. */
  readonly reason: string | null;
  /** The node that it runs on. */
  readonly node: string | null;
  /** When it will probably start; in milliseconds since 1970. */
  readonly expectedStart: number | null;
  /** When its time is over; in milliseconds since 1970. */
  readonly endsAt: number | null;
}

/** A time for people, by the clock of this machine: `14:20`, or `Tue 14:20` if it is not within the next twelve hours. */
export function clockTime(time: number, now = Date.now()): string {
  const date = new Date(time);
  const hour = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  const isClose = Math.abs(time - now) < 12 * 3_600_000;
  return isClose ? hour : `${date.toLocaleDateString('en-GB', { weekday: 'short' })} ${hour}`;
}
