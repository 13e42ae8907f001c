import { HopelessWait } from '../host/jobs/hopeless.ts';
import { runOn } from '../host/runs/runs.ts';
import type { RunStatus } from '../model/run.ts';
import { parseDuration } from '../model/setting-values.ts';
import type { RunPlace } from '../state/runs.ts';
import { type Context, endedBy } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { followRun, type RunReader } from './log.ts';
import { hostOfRun, withHost } from './place.ts';
import { stopRun } from './runs.ts';

/** The longest time that a timer takes: almost 25 days. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * As `followRun` from the first line on, but gives up when the job of a run can never start, and cancels a run whose job does
 * not start in time.
 * @param queueTimeout such as 2h; undefined to wait
 * @throws Failure for both
 */
export async function followFromQueue(
  { name, place }: { readonly name: string; readonly place: RunPlace },
  queueTimeout: string | undefined,
  reader: RunReader,
  context: Context,
): Promise<RunStatus> {
  const giveUp = new AbortController();
  const isLate = new Failure(
    `the job of ${name} did not start on ${place.destination} within ${queueTimeout}, and was cancelled`,
    { remedy: 'Allow more time with --queue-timeout, or ask for less.' },
  );
  const wait = new HopelessWait();
  let last: RunStatus | undefined;
  const watched: RunReader = {
    print: (line) => {
      // The scheduler is not asked any more: see report_queue in host/sh/logs.sh.
      clearTimeout(timer || undefined);
      return reader.print(line);
    },
    begun: (text) => reader.begun(text),
    status: (status) => {
      const { job } = status;
      const isHopeless = job?.state ? wait.look(job, { ...job, state: job.state }) : 'no';
      if (isHopeless === 'yes') giveUp.abort(neverStarts(status));
      const isNew = status.state !== last?.state || status.why !== last.why;
      last = status;
      if (isNew && isHopeless === 'no') reader.status(status);
    },
  };
  const limitMs = queueTimeout && Math.min(parseDuration(queueTimeout, 'queue-timeout') * 1000, LONGEST_MS);
  const timer = limitMs && setTimeout(() => last?.state === 'queued' && giveUp.abort(isLate), limitMs);
  try {
    return await followRun(name, hostOfRun(place), '+1', watched, endedBy(giveUp.signal, context));
  } catch (error) {
    if (!giveUp.signal.aborted || context.signal.aborted) throw error;
    if (giveUp.signal.reason === isLate) {
      // It may have begun since its scheduler was asked.
      const { state } = await withHost(hostOfRun(place), context, (server) => runOn(server, name));
      if (state !== 'queued') return followFromQueue({ name, place }, undefined, reader, context);
      await stopRun(name, place, context);
    }
    throw giveUp.signal.reason;
  } finally {
    clearTimeout(timer || undefined);
  }
}

/** @param status with the reason, and what to change */
function neverStarts({ name, why }: RunStatus): Failure {
  return new Failure(`${name} does not start: ${why?.replace(/\.$/, '')}`, {
    remedy: `Its job stays in the queue. To cancel it: remote-notebook stop ${name}. To follow it again: remote-notebook logs ${name} -f`,
  });
}
