import type { Command } from '../system/command.ts';

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
}

/** One `-L`: a local port, and its target as the host sees it. */
export interface Forward {
  readonly bindAddress: string;
  readonly localPort: number;
  /** `localhost:6006`, or the absolute path of a Unix socket. */
  readonly target: string;
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
 * The master in the foreground; the keeper appends `--` and the destination.
 *
 * ClearAllForwardings keeps the user's own forwards out of this connection, and would also clear any `-L` here. So the
 * keeper adds ours with `-O forward`, or, when it reconnects and `ssh -G` shows no forward of the user, with `-L` and
 * without that option. The keeper also sets LocalCommand, which ssh runs once the control socket listens.
 */
export function masterCommand(connection: Connection): Command {
  const own = options({
    ControlPersist: 'no',
    ClearAllForwardings: 'yes',
    RemoteCommand: 'none',
    LogLevel: 'INFO',
    // ssh checks a silent connection after 5 seconds, and gives up after 3 checks without a reply.
    ServerAliveInterval: 5,
    ServerAliveCountMax: 3,
  });
  return ['ssh', ...configFileArgs(connection), '-N', '-T', '-M', '-S', connection.controlPath, ...own];
}

/** A master for a check: it is verbose, trusts no new host and does not change known_hosts. */
export function doctorCommand(connection: Connection, isQuiet: boolean): Command {
  const [program, ...args] = masterCommand(connection);
  const own = options({
    BatchMode: isQuiet ? 'yes' : 'no',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    PermitLocalCommand: 'no',
  });
  const verbose = args.map((arg) => arg.replace('LogLevel=INFO', 'LogLevel=DEBUG1'));
  return [program, '-v', ...own, ...verbose, '--', connection.destination];
}

/** Connects to `target` (host:port) through the host's sshd, as a forward does. */
export function throughCommand(connection: Connection, target: string): Command {
  const own = ['-F', '/dev/null', '-S', connection.controlPath, ...options({ ProxyCommand: 'false' })];
  return ['ssh', ...own, '-W', target, 'master'];
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
 * @param forward in the form of `-L`
 */
export function controlCommand(
  { controlPath }: Connection,
  request: 'forward' | 'cancel',
  forward: string,
): Command {
  return ['ssh', '-F', '/dev/null', '-S', controlPath, '-O', request, '-L', forward, 'master'];
}

/** The argument of `-L`, always with its bind address. */
export function forwardSpec({ bindAddress, localPort, target }: Forward): string {
  return `${bindAddress}:${localPort}:${target}`;
}

/** Prints the options that ssh uses for a destination, without connecting. */
export function resolveCommand(host: Host): Command {
  return ['ssh', ...configFileArgs(host), '-G', '--', host.destination];
}
