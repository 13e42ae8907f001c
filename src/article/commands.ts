import { parseEnvironment } from '../model/environment.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { unknownToArticle } from '../model/settings.ts';
import { configFileArgs } from '../ssh/arguments.ts';
import { type Command, shellQuote } from '../system/command.ts';
import { UsageError } from '../system/errors.ts';
import { secondsOf } from '../system/process.ts';

/**
 * The three commands that this project began with, to the letter. They need nothing installed, and leave to
 * luck what the rest of this project is for.
 */

/** What runs on the host. A word that a shell would read otherwise is quoted for any of them. */
function remoteStartText(spec: ServerSpec): string {
  const { directory, environment, command, port } = spec;
  const unknown = unknownToArticle(spec);
  if (unknown !== undefined) {
    throw new UsageError(`the three plain commands know no ${unknown}`, {
      remedy: 'Leave out either that or --plain.',
    });
  }
  const { kind } = parseEnvironment(environment);
  if (kind !== 'none' && kind !== 'venv') {
    throw new UsageError('the three plain commands know no environment but a venv', {
      remedy: 'Name the folder of one with --environment, or leave out --plain.',
    });
  }
  return [
    ...(directory === '' ? [] : [`cd ${remotePath(directory)}`]),
    ...(environment === '' ? [] : [`. ${remotePath(`${environment}/bin/activate`)}`]),
    `${command || 'jupyter notebook'} --no-browser --port=${port}`,
  ].join('; ');
}

/** A path for a remote shell: a leading ~ stays the home folder, a dash is no option, `+1` no entry of zsh's stack. */
function remotePath(path: string): string {
  if (path === '~') return path;
  if (path.startsWith('~/')) return `~/${shellQuote(path.slice(2))}`;
  return shellQuote(/^[-+]/.test(path) ? `./${path}` : path);
}

/** @param user the account on the host whose Jupyters are ended: all of them */
function remoteStopText(user: string): string {
  return `pkill -u ${shellQuote(user)} jupyter`;
}

/** What the stop would end, by name and PID. A start-up file may have printed something without an end. */
function remoteListText(user: string): string {
  return `echo; pgrep -l -u ${shellQuote(user)} jupyter`;
}

function tunnelArgs({ port, localPort }: ServerSpec): string[] {
  return ['-N', '-f', '-L', `localhost:${localPort ?? port}:localhost:${port}`];
}

/** `-S none` alone is added: a ControlMaster of the user's own would take the command over. */
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

export function plainListCommand(spec: ServerSpec, user: string): Command {
  return plainSsh(spec, [], remoteListText(user));
}

/** All processes of a user on the host, as `launchedOn` reads them. */
export function plainProcessesCommand(spec: ServerSpec, user: string): Command {
  return plainSsh(spec, [], `echo; ps -u ${shellQuote(user)} -o pid=,ppid=,etime=,args=`);
}

export function plainKillCommand(spec: ServerSpec, pids: readonly number[]): Command {
  return plainSsh(spec, [], `kill ${pids.join(' ')}`);
}

export function plainStopCommand(spec: ServerSpec, user: string): Command {
  return plainSsh(spec, [], remoteStopText(user));
}

/** The article's three lines, as one would type them. */
export interface ArticleLines {
  readonly forward: string;
  readonly start: string;
  readonly stop: string;
}

/** @param forwardAlias the name of the alias that `start` calls at its end */
export function articleLines(spec: ServerSpec, user: string, forwardAlias: string): ArticleLines {
  const ssh = ['ssh', ...configFileArgs(spec).map(shellQuote)].join(' ');
  const destination = shellQuote(spec.destination);
  return {
    forward: `nohup ${ssh} ${tunnelArgs(spec).map(shellQuote).join(' ')} ${destination}`,
    start: `nohup ${ssh} -f ${destination} ${doubleQuoted(remoteStartText(spec))}; ${forwardAlias}`,
    stop: `${ssh} ${destination} ${doubleQuoted(remoteStopText(user))}`,
  };
}

/** In double quotes where no shell reads anything in them, as the article has it; else in safer ones. */
function doubleQuoted(text: string): string {
  return /["$`\\!]/.test(text) ? shellQuote(text) : `"${text}"`;
}

/** One row of `ps -o pid=,ppid=,etime=,args=`. */
interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly ageS: number;
  readonly args: string;
}

/**
 * The commands that were started on a port at most so many seconds ago, as `ps` on the host tells: each with its
 * PIDs, the login shell's that ran it first. A start of this machine's is one of them; with two, nobody knows which.
 */
export function launchedOn(port: number, maxAgeS: number, ps: string): number[][] {
  const rows = ps.split('\n').flatMap(parseRow);
  const ours = rows.filter(
    ({ args, ageS }) => args.endsWith(` --no-browser --port=${port}`) && ageS <= maxAgeS,
  );
  const withChildren = (row: Row): number[] => [
    row.pid,
    ...ours.filter(({ parent }) => parent === row.pid).flatMap(withChildren),
  ];
  return ours.filter(({ parent }) => !ours.some(({ pid }) => pid === parent)).map(withChildren);
}

function parseRow(line: string): Row[] {
  const [, pid, parent, age, args] = /^\s*(\d+)\s+(\d+)\s+([\d:-]+)\s+(.*)$/.exec(line) ?? [];
  if (age === undefined || args === undefined) return [];
  return [{ pid: Number(pid), parent: Number(parent), ageS: secondsOf(age), args }];
}
