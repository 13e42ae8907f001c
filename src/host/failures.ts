import { installCommand, makeCommand, parseEnvironment } from '../model/environment.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { shellQuote } from '../system/command.ts';
import { Failure } from '../system/errors.ts';
import { type Frame, lastValue, valuesOf } from './protocol.ts';

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
  };
}

/** A script on a server's host failed: why, and what the user can do. */
export class HostFailure extends Failure {
  /** Undefined if the script was cut off. */
  readonly reason: Cause | undefined;

  constructor(report: FailureReport, spec: ServerSpec) {
    const explain = report.cause === undefined ? cutOff : EXPLANATIONS[report.cause];
    const { destination } = spec;
    const [message, remedy] = explain({ subject: '', log: [], ...report, destination, spec });
    super(message, { remedy });
    this.reason = report.cause;
  }
}

interface FailureOnHost extends FailureReport {
  readonly subject: string;
  readonly log: readonly string[];
  readonly destination: string;
  readonly spec: ServerSpec;
}

type Explain = (failure: FailureOnHost) => readonly [message: string, remedy?: string];

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
  folder: ({ subject, destination }) => [
    `cannot write ${subject} on ${destination}`,
    'Check its permissions, the free disk space and your quota there.',
  ],
  elsewhere: ({ subject, destination }) => {
    const [, node, here, folder = ''] = /^(\S+) (\S+) (.*)$/.exec(subject) ?? [];
    return [
      `the server is running on ${node}, but ${destination} connected to ${here} this time`,
      `Use ${node} as the destination. If ${node} no longer exists, remove the record of its server: ssh ${destination} rm -r ${shellQuote(folder)}`,
    ];
  },
  environment: ({ subject, where, destination, spec }) => [
    `the environment "${subject}" does not exist on ${destination}: it has no bin/activate`,
    `Searched in ${where}. Create it there: ${makeCommand(parseEnvironment(spec.environment))}`,
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
  jupyter: (failure) => [notFound(failure), installRemedy(failure)],
  interface: ({ subject, destination }) => [
    `neither JupyterLab nor the classic notebook is installed with ${subject} on ${destination}`,
    'Install one in the same environment: pip install jupyterlab',
  ],
  socket: ({ subject, destination }) => [
    `no usable folder for a socket on ${destination}: ${subject}`,
    'It must be a local folder of yours, with a path of at most 100 bytes: set XDG_RUNTIME_DIR there, or leave out --socket.',
  ],
  died: ({ holder, log, destination, spec: { port, strictPort } }) =>
    strictPort && holder
      ? [
          `port ${port} of ${destination} is already in use by ${holder}`,
          'Choose another with --port, or leave out --strict-port.',
        ]
      : [`Jupyter ended on ${destination} while it started. ${endOf(log)}`],
  timeout: ({ subject, log, destination }) => [
    `Jupyter did not come up on ${destination} within ${subject} s, and was stopped. ${endOf(log)}`,
    'Give it longer with --timeout SECONDS.',
  ],
  gone: ({ subject, destination }) => [
    `the server (PID ${subject} on ${destination}) has just ended`,
    `See which servers are running: remote-notebook status ${destination} --all`,
  ],
  taken: ({ subject, destination, spec: { name } }) => [
    `"${name}" is already the name of another server on ${destination} (PID ${subject})`,
    'Choose another name with --name.',
  ],
  unkillable: ({ subject, destination }) => [
    `the server (PID ${subject} on ${destination}) is still running after the signal KILL`,
    `It hangs in the kernel, usually on a dead file system. Check on the host: ps -o pid,stat,wchan -p ${subject}`,
  ],
  log: ({ subject, destination }) => [`the server's log no longer exists on ${destination} (${subject})`],
} as const satisfies Readonly<Record<string, Explain>>;

export type Cause = keyof typeof EXPLANATIONS;

const cutOff: Explain = ({ destination }) => [
  `the start on ${destination} was cut off before its end`,
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

function installRemedy({ subject, spec: { environment } }: FailureOnHost): string {
  if (subject !== 'jupyter')
    return 'Check the spelling. Give its full path in --command, or name its environment with --environment.';
  const form = parseEnvironment(environment);
  return form.kind === 'none'
    ? `Install it there (${installCommand(form)}), or name its environment with --environment.`
    : `Install it there: ${installCommand(form)}`;
}

function outputIn(log: readonly string[]): string {
  const lines = log.filter((line) => line.trim() !== '').map((line) => `\n  ${line}`);
  return lines.length === 0 ? 'It printed nothing.' : `It printed:${lines.join('')}`;
}

function endOf(log: readonly string[]): string {
  if (log.length === 0) return 'Its log is empty.';
  return `The end of its log:\n${log.map((line) => `  ${line}`).join('\n')}`;
}
