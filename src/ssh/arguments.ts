import type { Command } from '../system/command.ts';

/** A machine as ssh is told of it. */
export interface Host {
  /** As ssh takes it: an alias, `user@host` or an ssh:// address. */
  readonly destination: string;
  /** ssh's own `-F`: another file than ~/.ssh/config. */
  readonly sshConfig: string | undefined;
}

/** Everything that the ssh commands of one connection share. */
export interface Connection extends Host {
  /** The private folder of this connection. Short: sockets have room for 104 bytes on macOS. */
  readonly folder: string;
  /** The master's control socket, in that folder. */
  readonly controlPath: string;
}

/** One `-L`: a port of this machine's loopback address, and what it leads to, seen from the host. */
export interface Forward {
  readonly bindAddress: string;
  readonly localPort: number;
  /** `localhost:6006`, or the absolute path of a Unix socket. */
  readonly target: string;
}

/** Seconds of silence after which ssh asks whether the other side lives, and how many answers may lack. */
const KEEP_ALIVE_S = 5;
const KEEP_ALIVE_MISSES = 3;

/** As options of ssh's command line, which win over what an ssh_config says. */
function options(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** `-F`, for every ssh that reads an ssh_config. */
export function configFileArgs({ sshConfig }: Pick<Host, 'sshConfig'>): string[] {
  return sshConfig === undefined ? [] : ['-F', sshConfig];
}

/**
 * The master in the foreground, without its destination, which the keeper puts behind `--`.
 *
 * It carries no `-L`: ClearAllForwardings keeps the user's own forwards out of this connection, and clears
 * the command line's too, so the keeper adds ours with `-O forward`, or takes that option back at a reconnect where
 * `ssh -G` shows none of the user's. The keeper also sets LocalCommand, by
 * which ssh tells it that the connection is up (ssh_config(5); it runs after the control socket listens).
 */
export function masterCommand(connection: Connection): Command {
  const { controlPath } = connection;
  const own = options({
    ControlPersist: 'no',
    ClearAllForwardings: 'yes',
    RemoteCommand: 'none',
    LogLevel: 'INFO',
    ServerAliveInterval: KEEP_ALIVE_S,
    ServerAliveCountMax: KEEP_ALIVE_MISSES,
  });
  return ['ssh', ...configFileArgs(connection), '-N', '-T', '-M', '-S', controlPath, ...own];
}

/**
 * A command on the host, over the connection, and over no other: where the master is gone, ssh would log in anew
 * behind the user's back, and ProxyCommand=false lets that fail. What of the user's ssh_config would change a
 * session's form is undone; its SendEnv and SetEnv count. IgnoreUnknown lets an ssh before 8.7 pass over the
 * options that it does not know; nothing here decides about the connection's safety any more.
 */
function sessionCommand(connection: Connection, remoteCommand: string): Command {
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
  return ['ssh', ...args, '--', destination, remoteCommand];
}

/**
 * A master for the time of a check, which tells all it does, trusts no new host and learns nothing: known_hosts
 * stays as it is.
 */
export function doctorCommand(connection: Connection, isQuiet: boolean): Command {
  const [program, ...args] = masterCommand(connection);
  const own = options({
    BatchMode: isQuiet ? 'yes' : 'no',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    PermitLocalCommand: 'no',
  });
  const loud = args.map((arg) => arg.replace('LogLevel=INFO', 'LogLevel=DEBUG1'));
  return [program, '-v', ...own, ...loud, '--', connection.destination];
}

/** A connection through the host's sshd to `target`, host:port, as a forward would open it. */
export function throughCommand(connection: Connection, target: string): Command {
  const own = ['-F', '/dev/null', '-S', connection.controlPath, ...options({ ProxyCommand: 'false' })];
  return ['ssh', ...own, '-W', target, 'master'];
}

/**
 * The command that takes a sh script on its standard input, under any login shell. sshd opens a session for input only
 * with its command, so the script comes a round trip behind it. In the command itself it would not, but would stand in
 * the process lists of both machines, with what it is told of the server, and might be longer than an sshd takes.
 */
export function scriptCommand(connection: Connection): Command {
  return sessionCommand(connection, 'exec /bin/sh -s');
}

/**
 * Talks to the master alone, by its socket. It reads no ssh_config (the user's own LocalForward would be
 * added to ours) and so names no host.
 * @param forward as `-L` takes it
 */
export function controlCommand(
  { controlPath }: Connection,
  request: 'forward' | 'cancel',
  forward: string,
): Command {
  return ['ssh', '-F', '/dev/null', '-S', controlPath, '-O', request, '-L', forward, 'master'];
}

/** The argument of `-L`, with its bind address always written out. */
export function forwardSpec({ bindAddress, localPort, target }: Forward): string {
  return `${bindAddress}:${localPort}:${target}`;
}

/** Prints how ssh resolves a destination. It connects to nothing. */
export function resolveCommand(host: Host): Command {
  return ['ssh', ...configFileArgs(host), '-G', '--', host.destination];
}
