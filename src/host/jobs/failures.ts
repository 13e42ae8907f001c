import { launcherOf } from '../../launchers/launchers.ts';
import type { ServerSpec } from '../../model/server-spec.ts';
import { indented } from '../../system/errors.ts';

/** The failure of a script that has to do with a batch job: see failures.ts. */
export interface JobFailure {
  readonly subject: string;
  readonly over?: string | undefined;
  readonly log: readonly string[];
  readonly destination: string;
  readonly spec: ServerSpec;
}

type Explain = (failure: JobFailure) => readonly [message: string, remedy?: string | undefined];

/** The message and the remedy for each cause that only a batch job has. */
export const JOB_EXPLANATIONS = {
  refused: ({ log, destination, spec }) => [
    `${schedulerOf(spec)} on ${destination} refused the job: ${log.slice(-3).join('\n  ') || 'it printed no reason'}`,
    launcherOf(spec)?.refusal(log.join('\n')),
  ],
  queue: ({ subject, destination, spec: { name } }) => [
    `the job did not start on ${destination} within ${Number(subject) / 60} min, and was cancelled`,
    `Allow more time with --queue-timeout, or ask for less: remote-notebook start ${name}`,
  ],
  ended: ({ subject, over = '', log, destination, spec }) => {
    const { text, remedy } = launcherOf(spec)?.ended(over) ?? { text: 'has ended', remedy: undefined };
    return [
      `the job ${idOf(subject)} on ${destination} ${text} before Jupyter was ready. ${endOf(log)}`,
      remedy,
    ];
  },
  unrecorded: ({ subject, destination }) => [
    `the job ${idOf(subject)} on ${destination} found no record of its server in your home folder, so it ended`,
    'Its node may not have the home folder of the login node, which is needed. Try again, or ask the administrators of the cluster.',
  ],
  unanswered: ({ subject, destination, spec }) => [
    `${schedulerOf(spec)} on ${destination} does not answer${subject && `: ${subject}`}`,
    'Its jobs keep running. Try again later.',
  ],
  lingers: ({ subject, destination, spec }) => [
    `the job ${idOf(subject)} on ${destination} was cancelled, but ${schedulerOf(spec)} still lists it after 90 s`,
    'Its node may not respond. Try again later, or ask the administrators of the cluster.',
  ],
} as const satisfies Readonly<Record<string, Explain>>;

function schedulerOf(spec: ServerSpec): string {
  return launcherOf(spec)?.title ?? 'the scheduler';
}

/** @param job SCHEDULER ID */
function idOf(job: string): string {
  return job.replace(/^\S+ /, '');
}

/** The last lines of a log, for a message. */
export function endOf(log: readonly string[]): string {
  if (log.length === 0) return 'Its log is empty.';
  return `The end of its log:${indented(log)}`;
}
