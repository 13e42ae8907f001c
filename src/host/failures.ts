import { installCommand, makeCommand, parseEnvironment } from '../model/environment.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { shellQuote } from '../system/command.ts';
import { Failure } from '../system/errors.ts';
import { type Frame, lastValue } from './script.ts';

/** The destination is a pool of nodes with one home folder, and the server is on another of them. */
export class Elsewhere extends Failure {
  /** @param words its node, the one that was reached, and its record's folder there */
  constructor(destination: string, [node = '', here = '', ...folder]: readonly string[]) {
    super(`its server was started on ${node}, and ${destination} has reached ${here} now`, {
      remedy: `Name that node as the destination. If there is no ${node} any more, forget its server: ssh ${destination} rm -r ${shellQuote(folder.join(' '))}`,
    });
  }
}

/** What a host could not do, and by which of the causes that launch.sh knows. */
export class LaunchFailure extends Failure {
  readonly reason: string;

  constructor(reason: string, { message, remedy }: Failure) {
    super(message, { remedy });
    this.reason = reason;
  }
}

/** A folder of the host's cannot be written. */
export class Unwritable extends Failure {
  constructor(destination: string, path: string) {
    super(`${destination} cannot write ${path}`, {
      remedy: 'See its permissions, the disk and the quota there.',
    });
  }
}

/**
 * What the host could not do, in the frames of launch.sh, and what the user can.
 * @param log the last lines of Jupyter's log
 */
export function launchFailure(frames: readonly Frame[], log: readonly string[], spec: ServerSpec): Failure {
  const [cause = '', ...words] = (lastValue(frames, 'failed') ?? '').split(' ');
  if (cause === 'elsewhere') return new Elsewhere(spec.destination, words);
  const where = lastValue(frames, 'where') ?? '';
  const holder = lastValue(frames, 'holder');
  const explain = Object.hasOwn(CAUSES, cause) ? CAUSES[cause as Cause] : cutOff;
  return new LaunchFailure(cause, explain({ subject: words.join(' '), where, holder, log, spec }));
}

/** What launch.sh tells of its failure. */
interface Told {
  /** What it names with the cause. */
  readonly subject: string;
  /** Where it has looked for it. */
  readonly where: string;
  /** Who has the port that was wanted, if anybody. */
  readonly holder: string | undefined;
  readonly log: readonly string[];
  readonly spec: ServerSpec;
}

type Cause = keyof typeof CAUSES;

/** The causes that launch.sh knows. */
const CAUSES = {
  directory: ({ subject, spec: { destination } }: Told) =>
    new Failure(`the directory "${subject}" is not there on ${destination}, or cannot be entered`, {
      remedy: 'Name another with --directory (relative to the home folder), or make it there first.',
    }),
  environment: ({ subject, where, spec: { destination } }: Told) =>
    new Failure(
      `the environment "${subject}" is not there on ${destination}: there is no bin/activate in it`,
      {
        remedy: `It is looked for in ${where}. Make it there: python3 -m venv ${shellQuote(subject)} && ${shellQuote(`${subject}/bin/pip`)} install jupyterlab`,
      },
    ),
  jupyter: (told: Told) => notInstalled(told, installRemedy(told)),
  setup: ({ subject, log, spec: { destination } }: Told) =>
    new Failure(`a line of setup failed on ${destination}: ${subject}\n${said(log)}`, {
      remedy: 'Mend it in config.yaml, or in --setup. Each line runs in the directory, and must end well.',
    }),
  tool: (told: Told) =>
    notInstalled(
      told,
      `Where it is elsewhere, say so in a line of setup: ${told.subject === 'module' ? 'export MODULESHOME=/path/of/modules' : 'export PATH=/path/of/bin:$PATH'}`,
    ),
  enter: ({ log, spec: { destination, environment } }: Told) => {
    const form = parseEnvironment(environment);
    return new Failure(`the environment "${environment}" cannot be entered on ${destination}. ${said(log)}`, {
      remedy: `${form.kind === 'module' ? 'See there what there is' : 'If it is not there yet, make it there'}: ${makeCommand(form)}`,
    });
  },
  interface: ({ subject, spec: { destination } }: Told) =>
    new Failure(`${subject} on ${destination} has neither JupyterLab nor the notebook beside it`, {
      remedy: 'Install one in the same environment: pip install jupyterlab',
    }),
  died: ({ holder, log, spec: { destination, port, strictPort } }: Told) =>
    strictPort && holder
      ? new Failure(`port ${port} of ${destination} is taken by ${holder}`, {
          remedy: 'Name another with --port, or leave out --strict-port.',
        })
      : new Failure(`Jupyter ended on ${destination} while it started. ${endOf(log)}`),
  timeout: ({ subject, log, spec: { destination } }: Told) =>
    new Failure(
      `Jupyter did not come up on ${destination} within ${subject} s, and was ended. ${endOf(log)}`,
      { remedy: 'Give it longer with --timeout SECONDS.' },
    ),
  socket: ({ subject, spec: { destination } }: Told) =>
    new Failure(`${destination} has no place for a socket: ${subject}`, {
      remedy:
        'It needs a local folder of yours with a path of at most 100 bytes: set XDG_RUNTIME_DIR there, or leave out --socket.',
    }),
  folder: ({ subject, spec: { destination } }: Told) => new Unwritable(destination, subject),
};

/** It told no cause. */
function cutOff({ spec: { destination } }: Told): Failure {
  return new Failure(`the start on ${destination} was cut off before its end`, {
    remedy: 'Somebody ended its shell there, or the machine went down. Try once more.',
  });
}

function notInstalled({ subject, where, spec: { destination } }: Told, remedy: string): Failure {
  return new Failure(
    `${subject} is not installed on ${destination}, or not where it is looked for: ${where}`,
    { remedy },
  );
}

function installRemedy({ subject, spec }: Told): string {
  if (subject !== 'jupyter')
    return 'Is it written as on the host? Give its whole path in --command, or name its environment with --environment.';
  const form = parseEnvironment(spec.environment);
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
