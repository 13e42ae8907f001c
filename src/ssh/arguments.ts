import { join } from 'node:path';
import { type Command, commandLine } from '../system/command.ts';

/** A machine to connect to. */
export interface Host {
  /** An alias, `user@host` or an ssh:// address. */
  readonly destination: string;
  /** The ssh config file to use instead of ~/.ssh/config (ssh -F). */
  readonly sshConfig: string | undefined;
}

/** What the ssh commands of one connection share. */
export interface Connection extends Host {
  /** The private folder of this connection. It is short: the path of a socket has at most 104 bytes on macOS. */
  readonly folder: string;
  /** The master's control socket, in that folder. */
  readonly controlPath: string;
  /** Whether ssh must not ask for a password: several hosts are asked at the same time. */
  readonly isQuiet?: boolean;
}

/** One `-L`: a local port, and its target as the host sees it. */
export interface Forward {
  readonly bindAddress: string;
  readonly localPort: number;
  /** `localhost:6006`, or the absolute path of a Unix socket. */
  readonly target: string;
}

/** All forwards of a tunnel: the one to its server, and those to further ports. */
export function allForwards({
  own,
  further,
}: {
  readonly own?: Forward | undefined;
  readonly further: readonly Forward[];
}): readonly Forward[] {
  return own ? [own, ...further] : further;
}

/** Options on ssh's command line override those of the ssh_config. */
function options(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** `-F` for each ssh that reads an ssh_config. */
export function configFileArgs({ sshConfig }: Pick<Host, 'sshConfig'>): string[] {
  return sshConfig === undefined ? [] : ['-F', sshConfig];
}

/**
 * An ssh that logs in as a master. ClearAllForwardings keeps the user's own forwards out of this connection; the keeper adds
 * ours with `-O forward`, which that option does not affect.
 *
 * The keeper notices a dead link by a heartbeat of its own. ServerAlive also applies to a login, which may take minutes (a
 * second factor, a machine that must wake up), so it is only a last resort.
 * @param controlPath where it listens; the keeper moves that to the path of the connection
 * @param mayAsk with -f: it asks on the terminal, and leaves it after the login. Otherwise it stays in the foreground, and
 *   logs to its standard error
 * @param settings further options, which override those here
 */
export function loginCommand(
  connection: Connection,
  controlPath: string,
  mayAsk: boolean,
  settings: Readonly<Record<string, string | number>> = {},
): Command {
  const own = options({
    ControlPersist: 'no',
    ClearAllForwardings: 'yes',
    RemoteCommand: 'none',
    PermitLocalCommand: 'no',
    LogLevel: 'INFO',
    ServerAliveInterval: 30,
    ServerAliveCountMax: 10,
    StreamLocalBindUnlink: 'yes',
    BatchMode: mayAsk && !connection.isQuiet ? 'no' : 'yes',
    ...settings,
  });
  // After the login, -f leaves ssh without a standard error: what it prints then is only in a log file.
  const mode = mayAsk ? ['-f', '-N', '-T', '-E', join(connection.folder, 'log')] : ['-N', '-T'];
  const args = [...configFileArgs(connection), ...mode, '-M', '-S', controlPath, ...own];
  return ['ssh', ...args, '--', connection.destination];
}

/** Ends the master that listens at a control path. */
export function exitCommand(controlPath: string): Command {
  return ['ssh', '-F', '/dev/null', '-S', controlPath, '-O', 'exit', 'master'];
}

/**
 * The options of a login to a machine that only the host reaches, such as a node of a cluster: its connection goes through
 * the master of the host, so it needs no other login there, and asks nothing.
 * @param address the machine, as the host names it
 * @param hostKeys the path of a known_hosts file that has its keys under the name NODE_ALIAS
 */
export function throughHost(
  { controlPath }: Connection,
  address: string,
  hostKeys: string,
): Readonly<Record<string, string | number>> {
  const own = options({ ProxyCommand: 'false', BatchMode: 'yes' });
  const proxy: Command = [
    'ssh',
    '-F',
    '/dev/null',
    '-S',
    controlPath,
    ...own,
    '-W',
    `[${address}]:22`,
    'master',
  ];
  return {
    // ssh expands tokens, and a shell reads the rest.
    ProxyCommand: commandLine(proxy).replaceAll('%', '%%'),
    HostKeyAlias: NODE_ALIAS,
    // ssh splits it at its spaces.
    UserKnownHostsFile: `"${hostKeys.replace(/["\\]/g, '\\$&')}"`,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    ConnectTimeout: 15,
  };
}

/** A name that no host has: its keys are looked up under that. */
export const NODE_ALIAS = 'remote-notebook-node';

/** A session of the master that ends at once. It reads no ssh_config. */
export function emptySessionCommand({ controlPath }: Connection): Command {
  const own = options({ ProxyCommand: 'false', BatchMode: 'yes' });
  return ['ssh', '-F', '/dev/null', '-T', '-S', controlPath, ...own, 'master', 'true'];
}

/** The plain tunnel that anybody can open by hand to the target of a forward. */
export function byHandCommand(connection: Connection, forward: Forward): Command {
  return [
    'ssh',
    ...configFileArgs(connection),
    '-N',
    '-L',
    forwardSpec(forward),
    '--',
    connection.destination,
  ];
}

/** Runs one command on the host over the connection, with its standard input and output; its start-up files may print. */
export function sessionCommand(connection: Connection, command: string): Command {
  const words = scriptCommand(connection);
  return [words[0], ...words.slice(1, -1), command];
}

/** As `sessionCommand`, on a terminal of the host if this process has one. */
export function terminalCommand(connection: Connection, command: string, hasTerminal: boolean): Command {
  const [program, ...words] = sessionCommand(connection, command);
  return [program, ...words.map((word) => (word === '-T' && hasTerminal ? '-t' : word))];
}

/** A master for a check: it is verbose, trusts no new host and does not change known_hosts. */
export function doctorCommand(connection: Connection, isQuiet: boolean): Command {
  const [program, ...args] = loginCommand(connection, connection.controlPath, false, {
    BatchMode: isQuiet ? 'yes' : 'no',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    LogLevel: 'DEBUG1',
  });
  return [program, '-v', ...args];
}

/**
 * Runs a sh script from standard input on the host, under any login shell. As an argument the script would be visible in
 * the process lists of both machines, and might be too long for sshd.
 *
 * It uses this connection only: if the master is gone, ssh would log in again unnoticed, so ProxyCommand=false makes that
 * fail. Options of the user's ssh_config that would change the session are reset; SendEnv and SetEnv still apply.
 * IgnoreUnknown is for an ssh before 8.7, which does not know some of these options.
 */
export function scriptCommand(connection: Connection): Command {
  const { controlPath, destination } = connection;
  const own = options({
    IgnoreUnknown: '*',
    ControlMaster: 'no',
    ProxyCommand: 'false',
    ClearAllForwardings: 'yes',
    RemoteCommand: 'none',
    SessionType: 'default',
    ForkAfterAuthentication: 'no',
    StdinNull: 'no',
    PermitLocalCommand: 'no',
    LogLevel: 'ERROR',
  });
  const args = [...configFileArgs(connection), '-T', '-S', controlPath, ...own];
  return ['ssh', ...args, '--', destination, 'exec /bin/sh -s'];
}

/**
 * Sends a request to the master by its socket. It reads no ssh_config, which could add the user's own LocalForward.
 * @param forward in the form of `-L` or `-R`
 */
export function controlCommand(
  { controlPath }: Connection,
  request: 'forward' | 'cancel',
  forward: string,
  direction: '-L' | '-R' = '-L',
): Command {
  return ['ssh', '-F', '/dev/null', '-S', controlPath, '-O', request, direction, forward, 'master'];
}

/** Asks the master whether it responds. */
export function checkCommand({ controlPath }: Connection): Command {
  return ['ssh', '-F', '/dev/null', '-S', controlPath, '-O', 'check', 'master'];
}

/** The argument of `-L`, always with its bind address. */
export function forwardSpec({ bindAddress, localPort, target }: Forward): string {
  return `${bindAddress}:${localPort}:${target}`;
}

/** Prints the options that ssh uses for a destination, without connecting. */
export function resolveCommand(host: Host): Command {
  return ['ssh', ...configFileArgs(host), '-G', '--', host.destination];
}
