import { parseEnvironment } from '../model/environment.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { DEFAULT_PORT, unknownToArticle } from '../model/settings.ts';
import { configFileArgs } from '../ssh/arguments.ts';
import { type Command, shellQuote } from '../system/command.ts';
import { UsageError } from '../system/errors.ts';
import { secondsOf } from '../system/process.ts';

/** The three commands of the article that this project is based on, unchanged. See docs/article.md. */

/** The article's Jupyter always listens on a port. */
export function articlePort({ port }: ServerSpec): number {
  return port ?? DEFAULT_PORT;
}

/** The command that starts Jupyter on the host, quoted for any shell. */
function remoteStartText(spec: ServerSpec): string {
  const { directory, environment, command } = spec;
  const unknown = unknownToArticle(spec);
  if (unknown !== undefined) {
    throw new UsageError(`the three commands of the article do not support --${unknown}`, {
      remedy: `Leave out either --${unknown} or --plain.`,
    });
  }
  const { kind } = parseEnvironment(environment);
  if (kind !== 'none' && kind !== 'venv') {
    throw new UsageError('the three commands of the article support only a venv as the environment', {
      remedy: 'Set --environment to the folder of a venv, or leave out --plain.',
    });
  }
  return [
    ...(directory === '' ? [] : [`cd ${remotePath(directory)}`]),
    ...(environment === '' ? [] : [`. ${remotePath(`${environment}/bin/activate`)}`]),
    `${command || 'jupyter notebook'} --no-browser --port=${articlePort(spec)}`,
  ].join('; ');
}

/** Quotes a path for a remote shell: ~ still means the home folder, and `-x` and zsh's `+1` are ordinary names. */
function remotePath(path: string): string {
  if (path === '~') return path;
  if (path.startsWith('~/')) return `~/${shellQuote(path.slice(2))}`;
  return shellQuote(/^[-+]/.test(path) ? `./${path}` : path);
}

function remoteStopText(user: string): string {
  return `pkill -u ${shellQuote(user)} jupyter`;
}

function tunnelArgs(spec: ServerSpec): string[] {
  const port = articlePort(spec);
  return ['-N', '-f', '-L', `localhost:${spec.localPort ?? port}:localhost:${port}`];
}

/** Only `-S none` is added: otherwise a ControlMaster of the user would run the command. */
function plainSsh(spec: ServerSpec, args: readonly string[], remoteText?: string): Command {
  const remote = remoteText === undefined ? [] : [remoteText];
  return ['ssh', '-S', 'none', ...configFileArgs(spec), ...args, spec.destination, ...remote];
}

export function plainStartCommand(spec: ServerSpec): Command {
  return ['nohup', ...plainSsh(spec, ['-f'], remoteStartText(spec))];
}

export function plainTunnelCommand(spec: ServerSpec): Command {
  return ['nohup', ...plainSsh(spec, tunnelArgs(spec))];
}

/** Lists what `plainStopCommand` would end. The echo ends a line of a start-up file. */
export function plainListCommand(spec: ServerSpec, user: string): Command {
  return plainSsh(spec, [], `echo; pgrep -l -u ${shellQuote(user)} jupyter`);
}

/** Lists all processes of a user on the host, for `launchedOn`. */
export function plainProcessesCommand(spec: ServerSpec, user: string): Command {
  return plainSsh(spec, [], `echo; ps -u ${shellQuote(user)} -o pid=,ppid=,etime=,args=`);
}

export function plainKillCommand(spec: ServerSpec, pids: readonly number[]): Command {
  return plainSsh(spec, [], `kill ${pids.join(' ')}`);
}

export function plainStopCommand(spec: ServerSpec, user: string): Command {
  return plainSsh(spec, [], remoteStopText(user));
}

/** The three commands as a user types them. */
export interface ArticleLines {
  readonly forward: string;
  readonly start: string;
  readonly stop: string;
}

/** @param forwardAlias the alias that `start` calls at its end */
export function articleLines(spec: ServerSpec, user: string, forwardAlias: string): ArticleLines {
  const ssh = ['ssh', ...configFileArgs(spec).map(shellQuote)].join(' ');
  const destination = shellQuote(spec.destination);
  return {
    forward: `nohup ${ssh} ${tunnelArgs(spec).map(shellQuote).join(' ')} ${destination}`,
    start: `nohup ${ssh} -f ${destination} ${doubleQuoted(remoteStartText(spec))}; ${forwardAlias}`,
    stop: `${ssh} ${destination} ${doubleQuoted(remoteStopText(user))}`,
  };
}

/** In double quotes, as in the article, unless a shell would expand something in them. */
function doubleQuoted(text: string): string {
  return /["$`\\!]/.test(text) ? shellQuote(text) : `"${text}"`;
}

/**
 * The PIDs of each command in the output of `plainProcessesCommand` that was started on this port at most `maxAgeS`
 * seconds ago, the PID of its login shell first. With two, it is unknown which one this machine started.
 */
export function launchedOn(port: number, maxAgeS: number, ps: string): number[][] {
  const ours = ps.split('\n').flatMap((line) => {
    const [, pid, parent, age = '', args = ''] = /^\s*(\d+)\s+(\d+)\s+([\d:-]+)\s+(.*)$/.exec(line) ?? [];
    const isOurs = args.endsWith(` --no-browser --port=${port}`) && secondsOf(age) <= maxAgeS;
    return isOurs ? [{ pid: Number(pid), parent: Number(parent) }] : [];
  });
  const withChildren = (shell: number): number[] => [
    shell,
    ...ours.filter(({ parent }) => parent === shell).flatMap(({ pid }) => withChildren(pid)),
  ];
  const shells = ours.filter(({ parent }) => !ours.some(({ pid }) => pid === parent));
  return shells.map(({ pid }) => withChildren(pid));
}
