import { installCommand, makeCommand, parseEnvironment } from '../model/environment.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { shellQuote } from '../system/command.ts';
import { Failure } from '../system/errors.ts';
import { type Frame, lastValue, valuesOf } from './protocol.ts';

/** What a script could not do, as its frames report it. */
export interface FailureReport {
  /** Undefined for a script that was cut off before its end. */
  readonly cause: Cause | undefined;
  /** What the script says with the cause: a path, a PID … */
  readonly subject?: string;
  /** Where it has looked. */
  readonly where?: string | undefined;
  /** Who has the port that was wanted. */
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

/** What a script on a server's host could not do, and what the user can. */
export class HostFailure extends Failure {
  /** Undefined when the script was cut off. */
  readonly reason: Cause | undefined;

  constructor({ cause, subject = '', where = '', holder, log = [] }: FailureReport, spec: ServerSpec) {
    const explain = cause === undefined ? cutOff : EXPLANATIONS[cause];
    const { destination } = spec;
    const [message, remedy] = explain({ subject, where, holder, log, destination, spec });
    super(message, { remedy });
    this.reason = cause;
  }
}

interface Told extends Required<Omit<FailureReport, 'cause'>> {
  readonly where: string;
  readonly destination: string;
  readonly spec: ServerSpec;
}

type Explain = (told: Told) => readonly [message: string, remedy?: string];

/** Each cause by which a script fails, explained by its subject. */
export const EXPLANATIONS = {
  directory: ({ subject, destination }) => [
    `the directory "${subject}" is not there on ${destination}, or cannot be entered`,
    'Name another with --directory (relative to the home folder), or make it there first.',
  ],
  unserved: ({ subject, destination }) => {
    const [, pid, path] = /^(\S+) (.*)$/.exec(subject) ?? [];
    return [
      `the server (PID ${pid} on ${destination}) serves "${path}", which is not there any more`,
      'Start another in a directory that is there.',
    ];
  },
  folder: ({ subject, destination }) => [
    `${destination} cannot write ${subject}`,
    'See its permissions, the disk and the quota there.',
  ],
  elsewhere: ({ subject, destination }) => {
    const [, node, here, folder = ''] = /^(\S+) (\S+) (.*)$/.exec(subject) ?? [];
    return [
      `its server was started on ${node}, and ${destination} has reached ${here} now`,
      `Name that node as the destination. If there is no ${node} any more, forget its server: ssh ${destination} rm -r ${shellQuote(folder)}`,
    ];
  },
  environment: ({ subject, where, destination, spec }) => [
    `the environment "${subject}" is not there on ${destination}: there is no bin/activate in it`,
    `It is looked for in ${where}. Make it there: ${makeCommand(parseEnvironment(spec.environment))}`,
  ],
  setup: ({ subject, log, destination }) => [
    `a line of setup failed on ${destination}: ${subject}\n${said(log)}`,
    'Mend it in config.yaml, or in --setup. Each line runs in the directory, and must end well.',
  ],
  tool: ({ subject, where, destination }) => [
    notInstalled(subject, where, destination),
    `Where it is elsewhere, say so in a line of setup: ${subject === 'module' ? 'export MODULESHOME=/path/of/modules' : 'export PATH=/path/of/bin:$PATH'}`,
  ],
  enter: ({ subject, log, destination }) => {
    const form = parseEnvironment(subject);
    return [
      `the environment "${subject}" cannot be entered on ${destination}. ${said(log)}`,
      `${ENTRY_REMEDIES[form.kind] ?? 'If it is not there yet, make it there'}: ${makeCommand(form)}`,
    ];
  },
  jupyter: ({ subject, where, destination, spec }) => [
    notInstalled(subject, where, destination),
    installRemedy(subject, spec),
  ],
  interface: ({ subject, destination }) => [
    `${subject} on ${destination} has neither JupyterLab nor the notebook beside it`,
    'Install one in the same environment: pip install jupyterlab',
  ],
  socket: ({ subject, destination }) => [
    `${destination} has no place for a socket: ${subject}`,
    'It needs a local folder of yours with a path of at most 100 bytes: set XDG_RUNTIME_DIR there, or leave out --socket.',
  ],
  died: ({ holder, log, destination, spec: { port, strictPort } }) =>
    strictPort && holder
      ? [
          `port ${port} of ${destination} is taken by ${holder}`,
          'Name another with --port, or leave out --strict-port.',
        ]
      : [`Jupyter ended on ${destination} while it started. ${endOf(log)}`],
  timeout: ({ subject, log, destination }) => [
    `Jupyter did not come up on ${destination} within ${subject} s, and was ended. ${endOf(log)}`,
    'Give it longer with --timeout SECONDS.',
  ],
  gone: ({ subject, destination }) => [
    `the server (PID ${subject} on ${destination}) has just ended`,
    `See what runs: remote-notebook status ${destination} --all`,
  ],
  taken: ({ subject, destination, spec: { name } }) => [
    `"${name}" is another server on ${destination} already (PID ${subject})`,
    'Give this one a --name of its own.',
  ],
  unkillable: ({ subject, destination }) => [
    `the server (PID ${subject} on ${destination}) survived even KILL`,
    `It hangs in the kernel, mostly on a dead file system. Look on the host: ps -o pid,stat,wchan -p ${subject}`,
  ],
  log: ({ subject, destination }) => [`${destination} has no log of this server any more (${subject})`],
} as const satisfies Readonly<Record<string, Explain>>;

export type Cause = keyof typeof EXPLANATIONS;

const cutOff: Explain = ({ destination }) => [
  `the start on ${destination} was cut off before its end`,
  'Somebody ended its shell there, or the machine went down. Try once more.',
];

/** Where the environment is there, but cannot be entered. */
const ENTRY_REMEDIES: Readonly<Record<string, string>> = {
  module: 'See there what there is',
  venv: 'Mend its bin/activate, or make it anew',
};

function notInstalled(program: string, where: string, destination: string): string {
  return `${program} is not installed on ${destination}, or not where it is looked for: ${where}`;
}

function installRemedy(program: string, { environment }: ServerSpec): string {
  if (program !== 'jupyter')
    return 'Is it written as on the host? Give its whole path in --command, or name its environment with --environment.';
  const form = parseEnvironment(environment);
  return form.kind === 'none'
    ? `Install it there (${installCommand(form)}), or name its environment with --environment.`
    : `Install it there: ${installCommand(form)}`;
}

/** What a tool or a line of setup said. */
function said(log: readonly string[]): string {
  const words = log.filter((line) => line.trim() !== '').map((line) => `\n  ${line}`);
  return words.length === 0 ? 'It said nothing.' : `It said:${words.join('')}`;
}

function endOf(log: readonly string[]): string {
  if (log.length === 0) return 'Its log is empty.';
  return `The end of its log:\n${log.map((line) => `  ${line}`).join('\n')}`;
}
