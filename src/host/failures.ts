import { posix } from 'node:path';
import { installCommand, makeCommand, parseEnvironment } from '../model/environment.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { shellQuote } from '../system/command.ts';
import { Failure, indented } from '../system/errors.ts';
import { CONTAINER_EXPLANATIONS } from './containers/failures.ts';
import { INSTALL_EXPLANATIONS } from './install/failures.ts';
import { endOf, JOB_EXPLANATIONS } from './jobs/failures.ts';
import { type Frame, lastValue, valuesOf } from './protocol.ts';
import { RUN_EXPLANATIONS } from './runs/failures.ts';

/** Why a script failed, as its frames report it. */
export interface FailureReport {
  /** Undefined if the script was cut off before its end. */
  readonly cause: Cause | undefined;
  /** A path, a PID … */
  readonly subject?: string;
  /** The places that were searched. */
  readonly where?: string | undefined;
  /** The process that uses the requested port. */
  readonly holder?: string | undefined;
  readonly log?: readonly string[];
  /** The scheduler's words about the end of the job. */
  readonly over?: string | undefined;
}

/** The failure that these frames report. */
export function reportIn(frames: readonly Frame[]): FailureReport {
  const [, cause = '', subject = ''] = /^(\S+) ?(.*)$/.exec(lastValue(frames, 'failed') ?? '') ?? [];
  return {
    cause: Object.hasOwn(EXPLANATIONS, cause) ? (cause as Cause) : undefined,
    subject,
    where: lastValue(frames, 'where'),
    holder: lastValue(frames, 'holder'),
    log: valuesOf(frames, 'log'),
    over: lastValue(frames, 'over'),
  };
}

/** A script on a server's host failed: why, and what the user can do. */
export class HostFailure extends Failure {
  /** Undefined if the script was cut off. */
  readonly reason: Cause | undefined;
  readonly report: FailureReport;

  constructor(report: FailureReport, spec: ServerSpec) {
    const explain = report.cause === undefined ? cutOff : EXPLANATIONS[report.cause];
    const { destination } = spec;
    const [message, remedy] = explain({ subject: '', log: [], ...report, destination, spec });
    super(message, { remedy });
    this.reason = report.cause;
    this.report = report;
  }
}

interface FailureOnHost extends FailureReport {
  readonly subject: string;
  readonly log: readonly string[];
  readonly destination: string;
  readonly spec: ServerSpec;
}

type Explain = (failure: FailureOnHost) => readonly [message: string, remedy?: string | undefined];

/** Where a login shell that is not on a terminal reads its settings. */
export const START_UP_FILES = 'a start-up file of your account there, such as ~/.bashrc or ~/.zshenv';

/** The message and the remedy for each cause. */
export const EXPLANATIONS = {
  directory: ({ subject, destination }) => [
    `the directory "${subject}" does not exist on ${destination}, or cannot be entered`,
    'Create it first, or choose another with --directory (relative to the home folder).',
  ],
  unserved: ({ subject, destination }) => {
    const [, pid, path] = /^(\S+) (.*)$/.exec(subject) ?? [];
    return [
      `the server (PID ${pid} on ${destination}) was started in "${path}", which no longer exists`,
      'Start another server in a directory that exists.',
    ];
  },
  control: ({ subject, destination }) => {
    const [, key, value] = /^(\S+) (.*)$/.exec(subject) ?? [];
    return [
      `cannot use the ${key} "${value}" on ${destination}: it contains a control character, such as a line break`,
      'Rename it there, or choose another.',
    ];
  },
  input: ({ destination }) => [
    `a start-up file on ${destination} reads the standard input, on which our script arrives`,
    `In ${START_UP_FILES}, find the command that reads its input, and change the line so that it runs only on a terminal: [ -t 0 ] && read …`,
  ],
  absent: ({ subject, destination }) => [
    `${subject} is not installed on ${destination}, or not on its PATH, and our scripts need it`,
    `Install it there, or fix the PATH that is set in ${START_UP_FILES}.`,
  ],
  folder: ({ subject, log, destination }) => [
    `cannot write to ${subject} on ${destination}${log.length === 0 ? '' : `: ${log.at(-1)}`}`,
    'Check its permissions, the free disk space and your quota there.',
  ],
  open: ({ subject, destination }) => [
    `other users can change the folder of your servers' records on ${destination} (${subject}), so they could run commands as you`,
    `Check its contents, then run: ssh ${destination} chmod -R go-w ${shellQuote(posix.dirname(subject))}\nIf another user owns it, set XDG_STATE_HOME there to a folder of yours.`,
  ],
  elsewhere: ({ subject, destination }) => {
    const [, node, here, folder = ''] = /^(\S+) (\S+) (.*)$/.exec(subject) ?? [];
    return [
      `the server is running on ${node}, but ${destination} connected to ${here} this time`,
      `Use ${node} as the destination. If ${node} no longer exists, remove the record of its server: ssh ${destination} rm -r ${shellQuote(folder)}`,
    ];
  },
  replaced: ({ destination, spec: { name } }) => [
    `${destination} now leads to another machine than the one on which "${name}" was started`,
    `That server cannot be reached at ${destination} any more. To start another one: remote-notebook start ${name}. To remove only its record here: remote-notebook stop ${name} --forget`,
  ],
  environment: ({ subject, where, destination, spec }) => [
    `the environment "${subject}" does not exist on ${destination}: it has no bin/activate`,
    `Searched in ${where}. To create it, add --install, or run there: ${makeCommand(parseEnvironment(spec.environment))}`,
  ],
  moved: ({ subject, where, destination, spec }) => [
    `the environment "${subject}" on ${destination} was moved or copied: its bin/activate leads to ${where}`,
    `A venv works only where it was created. Create it again there, and install its packages: ${makeCommand(parseEnvironment(spec.environment)).replace('-m venv', '-m venv --clear')}`,
  ],
  python: ({ subject, where, destination }) => [
    `${subject} on ${destination} needs the Python ${where}, which does not exist`,
    'Its environment was moved, or its Python was removed. Create the environment again, or install Jupyter again.',
  ],
  setup: ({ subject, log, destination }) => [
    `a setup command failed on ${destination}: ${subject}\n${outputIn(log)}`,
    'Fix it in config.yaml or in --setup. Each command runs in the directory and must exit with status 0.',
  ],
  tool: (failure) => [
    notFound(failure),
    `If it is somewhere else, add a setup command: ${failure.subject === 'module' ? 'export MODULESHOME=/path/to/modules' : 'export PATH=/path/to/bin:$PATH'}`,
  ],
  enter: ({ subject, log, destination }) => {
    const form = parseEnvironment(subject);
    return [
      `cannot enter the environment "${subject}" on ${destination}. ${outputIn(log)}`,
      `${ENTRY_REMEDIES[form.kind] ?? 'If it does not exist yet, create it'}: ${makeCommand(form)}`,
    ];
  },
  jupyter: (failure) => [notFound(failure), commandRemedy(failure)],
  interface: (failure) => [
    `neither JupyterLab nor the notebook is installed with ${failure.subject} on ${failure.destination}`,
    installRemedy(failure),
  ],
  died: ({ holder, log, destination, spec: { port, strictPort } }) =>
    strictPort && holder
      ? [
          `port ${port} of ${destination} is already in use by ${holder}`,
          'Choose another with --port, or leave out --strict-port.',
        ]
      : [`Jupyter ended on ${destination} while it started. ${endOf(log)}`],
  timeout: ({ subject, log, destination }) => [
    `Jupyter did not start on ${destination} within ${subject} s, and was stopped. ${endOf(log)}`,
    'Allow more time with --timeout SECONDS.',
  ],
  gone: ({ subject, destination }) => [
    `the server (PID ${subject} on ${destination}) has just ended`,
    `See which servers are running: remote-notebook status ${destination} --all`,
  ],
  taken: ({ subject, destination, spec: { name } }) => [
    `"${name}" is already the name of another server on ${destination} (PID ${subject})`,
    'Choose another name with --name.',
  ],
  stranger: ({ subject, destination }) => {
    const [, pid, folder = ''] = /^(\S+) (.*)$/.exec(subject) ?? [];
    return [
      `the server should be PID ${pid} on ${destination}, but that process is not a Jupyter server, so it was not stopped`,
      `Look at it: ssh ${destination} ps -p ${pid}. If it is the server, end it by hand; then remove the record: ssh ${destination} rm -r ${shellQuote(folder)}`,
    ];
  },
  unkillable: ({ subject, destination }) => [
    `the server (PID ${subject} on ${destination}) is still running after the signal KILL`,
    `It hangs in the operating system, usually because a file system does not respond. Check on the host: ps -o pid,stat,wchan -p ${subject}`,
  ],
  ...CONTAINER_EXPLANATIONS,
  ...RUN_EXPLANATIONS,
  ...INSTALL_EXPLANATIONS,
  log: ({ subject, destination }) => [`the server's log no longer exists on ${destination} (${subject})`],
  ...JOB_EXPLANATIONS,
} as const satisfies Readonly<Record<string, Explain>>;

export type Cause = keyof typeof EXPLANATIONS;

const cutOff: Explain = ({ destination }) => [
  `the start on ${destination} was interrupted before it finished`,
  'Its shell was killed, or the machine went down. Try again.',
];

/** For environments that exist, but cannot be entered. */
const ENTRY_REMEDIES: Readonly<Record<string, string>> = {
  module: 'See which modules there are',
  venv: 'Fix its bin/activate, or create it again',
};

function notFound({ subject, where, destination }: FailureOnHost): string {
  return `${subject} was not found on ${destination}. Searched: ${where}`;
}

function commandRemedy(failure: FailureOnHost): string {
  return /^jupyter(-lab|-notebook)?$/.test(failure.subject)
    ? installRemedy(failure)
    : 'Check the spelling. Give its full path in --command, or name its environment with --environment.';
}

function installRemedy({ spec: { environment } }: Pick<FailureOnHost, 'spec'>): string {
  const form = parseEnvironment(environment);
  if (form.kind === 'none')
    return `Add --install to install it in .venv in the directory (as ${installCommand(form)} does), or name its environment with --environment.`;
  return `Install it there: ${installCommand(form)}${form.kind === 'venv' ? ', or add --install' : ''}`;
}

function outputIn(log: readonly string[]): string {
  const lines = log.filter((line) => line.trim() !== '');
  return lines.length === 0 ? 'It printed nothing.' : `It printed:${indented(lines)}`;
}
