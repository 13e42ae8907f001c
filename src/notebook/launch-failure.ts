import { type Frame, lastValue } from '../remote/script.ts';
import { shellQuote } from '../system/command.ts';
import { Failure } from '../system/errors.ts';
import { installCommand, makeCommand, parseEnvironment } from './environment.ts';
import type { Notebook } from './notebook.ts';

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
export function launchFailure(frames: readonly Frame[], log: readonly string[], notebook: Notebook): Failure {
  const failure = explain(frames, log, notebook);
  if (failure instanceof Elsewhere) return failure;
  return new LaunchFailure((lastValue(frames, 'failed') ?? '').split(' ')[0] ?? '', failure);
}

function explain(
  frames: readonly Frame[],
  log: readonly string[],
  { destination, environment, port, strictPort }: Notebook,
): Failure {
  const [cause, ...rest] = (lastValue(frames, 'failed') ?? '').split(' ');
  const subject = rest.join(' ');
  const lastWords =
    log.length === 0
      ? 'Its log is empty.'
      : `The end of its log:\n${log.map((line) => `  ${line}`).join('\n')}`;
  const words = log.filter((line) => line.trim() !== '').map((line) => `\n  ${line}`);
  const said = words.length === 0 ? 'It said nothing.' : `It said:${words.join('')}`;
  const form = parseEnvironment(environment);
  const holder = lastValue(frames, 'holder');
  const where = lastValue(frames, 'where');
  switch (cause) {
    case 'elsewhere':
      return new Elsewhere(destination, rest);
    case 'directory':
      return new Failure(`the directory "${subject}" is not there on ${destination}, or cannot be entered`, {
        remedy: 'Name another with --directory (relative to the home folder), or make it there first.',
      });
    case 'environment':
      return new Failure(
        `the environment "${subject}" is not there on ${destination}: there is no bin/activate in it`,
        {
          remedy: `It is looked for in ${where}. Make it there: python3 -m venv ${shellQuote(subject)} && ${shellQuote(`${subject}/bin/pip`)} install jupyterlab`,
        },
      );
    case 'jupyter':
      return new Failure(
        `${subject} is not installed on ${destination}, or not where it is looked for: ${where}`,
        {
          remedy:
            subject !== 'jupyter'
              ? 'Is it written as on the host? Give its whole path in --command, or name its environment with --environment.'
              : form.kind === 'none'
                ? `Install it there (${installCommand(form)}), or name its environment with --environment.`
                : `Install it there: ${installCommand(form)}`,
        },
      );
    case 'setup':
      return new Failure(`a line of setup failed on ${destination}: ${subject}\n${said}`, {
        remedy: 'Mend it in config.yaml, or in --setup. Each line runs in the directory, and must end well.',
      });
    case 'tool':
      return new Failure(
        `${subject} is not installed on ${destination}, or not where it is looked for: ${where}`,
        {
          remedy: `Where it is elsewhere, say so in a line of setup: ${subject === 'module' ? 'export MODULESHOME=/path/of/modules' : `export PATH=/path/of/bin:$PATH`}`,
        },
      );
    case 'enter':
      return new Failure(`the environment "${environment}" cannot be entered on ${destination}. ${said}`, {
        remedy: `${form.kind === 'module' ? 'See there what there is' : 'If it is not there yet, make it there'}: ${makeCommand(form)}`,
      });
    case 'interface':
      return new Failure(`${subject} on ${destination} has neither JupyterLab nor the notebook beside it`, {
        remedy: 'Install one in the same environment: pip install jupyterlab',
      });
    case 'died':
      if (strictPort && holder) {
        return new Failure(`port ${port} of ${destination} is taken by ${holder}`, {
          remedy: 'Name another with --port, or leave out --strict-port.',
        });
      }
      return new Failure(`Jupyter ended on ${destination} while it started. ${lastWords}`);
    case 'timeout':
      return new Failure(
        `Jupyter did not come up on ${destination} within ${subject} s, and was ended. ${lastWords}`,
        {
          remedy: 'Give it longer with --timeout SECONDS.',
        },
      );
    case 'socket':
      return new Failure(`${destination} has no place for a socket: ${subject}`, {
        remedy:
          'It needs a local folder of yours with a path of at most 100 bytes: set XDG_RUNTIME_DIR there, or leave out --socket.',
      });
    case 'folder':
      return new Unwritable(destination, subject);
    default:
      return new Failure(`the start on ${destination} was cut off before its end`, {
        remedy: 'Somebody ended its shell there, or the machine went down. Try once more.',
      });
  }
}
