import { parseEnvironment } from '../../model/environment.ts';
import type { ServerSpec } from '../../model/server-spec.ts';
import { indented } from '../../system/errors.ts';

export interface FailedRun {
  readonly subject: string;
  readonly log: readonly string[];
  readonly destination: string;
  readonly spec: Pick<ServerSpec, 'environment'>;
}

const WHY_NOT_KEPT: Readonly<Record<string, string>> = {
  over: ': its time is over, or the run was stopped',
  lost: ': the process that kept it was killed',
  died: ': it has ended',
};

/** The message and the remedy for each cause of a failure that only scripts for runs report. */
export const RUN_EXPLANATIONS = {
  run: ({ subject, destination }: FailedRun) => [
    `there is no run "${subject}" on ${destination}`,
    `To see which runs there are: remote-notebook runs ${destination}`,
  ],
  notebook: ({ subject, destination }: FailedRun) => [
    `the notebook "${subject}" does not exist on ${destination}, or is not a file that you can read`,
    'Its path is relative to the directory of the server, or absolute, or starts with ~.',
  ],
  upload: ({ subject, destination }: FailedRun) => [
    `the notebook (${subject} bytes) did not arrive completely on ${destination}`,
    'Nothing was started. Run the command again.',
  ],
  unpack: ({ destination, log }: FailedRun) => [
    `the files that go with the notebook cannot be unpacked on ${destination}${indented(log)}`,
    'Nothing was started. tar must be installed there, with enough free disk space.',
  ],
  names: ({ subject }: FailedRun) => [
    `the name of a file that goes with the notebook contains a control character, such as a line break: ${subject}`,
    'Nothing was started. Rename the file.',
  ],
  changed: ({ subject, destination }: FailedRun) => [
    `the directory on ${destination} contains other files of the same name, which no run has sent: ${subject}`,
    'Nothing was started. To replace them, add --force. Or choose another --directory.',
  ],
  late: ({ subject, destination }: FailedRun) => [
    `the job did not start on ${destination} within ${Number(subject) / 60} min, so it executed nothing`,
    'Allow more time with --queue-timeout, or ask for less.',
  ],
  client: ({ subject, destination, spec }: FailedRun) => {
    const { kind } = parseEnvironment(spec.environment);
    const how =
      kind === 'none' || kind === 'venv'
        ? `Add --install to install it${kind === 'none' ? ' in .venv in the directory' : ''}, as part of ipykernel.`
        : 'Install it there: pip install ipykernel.';
    return [
      `no Python ${subject === 'python3' ? '' : `in ${subject} `}on ${destination} has jupyter_client, which a run needs`,
      `${how} Or name the environment that has it with --environment.`,
    ];
  },
  driver: ({ subject, log, destination }: FailedRun) => [
    `the run ended on ${destination} before it began, in ${subject}${indented(log)}`,
    'Python 3.8 or later is needed there.',
  ],
  unfit: ({ destination }: FailedRun) => [`the notebook cannot be executed on ${destination}`],
  output: ({ subject, destination }: FailedRun) => [
    `the run "${subject}" on ${destination} has no notebook yet`,
    `Its job may be in the queue, it has just been started, or it could not begin. See: remote-notebook runs ${destination}`,
  ],
  running: ({ subject, destination }: FailedRun) => [
    `"${subject}" is still running on ${destination}`,
    `Stop it first: remote-notebook stop ${subject}`,
  ],
  another_node: ({ subject, destination }: FailedRun) => {
    const [node, here] = subject.split(' ');
    return [
      `the run is on ${node}, but ${destination} connected to ${here} this time`,
      `Use ${node} as the destination.`,
    ];
  },
  no_driver: ({ subject, destination }: FailedRun) => {
    const [, pid, folder] = /^(\S+) (.*)$/.exec(subject) ?? [];
    return [
      `the run should be PID ${pid} on ${destination}, but that process is not its driver, so it was not stopped`,
      `Look at it: ssh ${destination} ps -p ${pid}. The record is in ${folder}.`,
    ];
  },
  kept: ({ subject }: FailedRun) => {
    const [run, why = ''] = subject.split(' ');
    return [
      `the kernel of "${run}" is not there${WHY_NOT_KEPT[why] ?? ''}`,
      'Only that of a run that failed is kept, if it was started with --keep-kernel, and for that time.',
    ];
  },
  stuck: ({ subject, destination }: FailedRun) => [
    `the run (PID ${subject} on ${destination}) is still there after the signal KILL`,
    `It hangs in the operating system, usually because a file system does not respond. Check on the host: ps -o pid,stat,wchan -p ${subject}`,
  ],
} as const satisfies Readonly<
  Record<string, (failure: FailedRun) => readonly [message: string, remedy?: string]>
>;
