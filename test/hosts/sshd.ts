import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { isPortFree } from '../../src/system/port.ts';
import { signalQuietly } from './signal.ts';
import { untilRemoved } from './standing.ts';

/**
 * A free port of the loopback address, below the ports that a system gives to clients (32768 and up): no connection of
 * another test takes it before it is used. Nor does another test get it before this process ends.
 */
export async function freePort(): Promise<number> {
  const port = randomInt(10_000, 32_768);
  // To look whether a port is free is to have it for a moment, so not before nobody else can want it.
  return (await isClaimed(port)) && (await isPortFree(port)) ? port : freePort();
}

/** Whether this process has the UDP port of this number, which nothing else uses, from now on. */
function isClaimed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const claim = createSocket('udp4').unref();
    claim.once('error', () => claim.close(() => resolve(false)));
    claim.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
}

/** The usual paths of sshd, which must be started by its absolute path. */
const SSHD_PLACES = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/opt/homebrew/sbin/sshd', '/usr/bin/sshd'];

export function sshdPath(): string | undefined {
  return SSHD_PLACES.find((path) => existsSync(path));
}

/** Another machine, or a substitute for one. */
export interface Machine {
  /** Its address. */
  readonly address: string;
  /** The command that runs another command there, at most until its standard input ends. */
  readonly enter: readonly string[];
}

export interface SshdOptions {
  /** More lines for sshd_config. They override the defaults here, because the first line of a key applies. */
  readonly sshdConfig?: readonly string[];
  /** More lines for the client's `Host loopback` block. They override the defaults, too. */
  readonly sshConfig?: readonly string[];
  /** The account to log in as. Default: the current one. */
  readonly user?: string;
  /** Variables of every session on the host, such as HOME, so that a test can have its own home folder. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where its folder is created. Default: the system's temporary folder. */
  readonly within?: string;
  /** Where it runs. Default: on this machine. */
  readonly machine?: Machine;
  /** Whether it has its own session, where Ctrl-C on this terminal does not reach it. Its owner ends it. */
  readonly ownSession?: boolean;
}

/** A real sshd on loopback with its own keys and ssh_config. Nothing in ~/.ssh is read or written. */
export interface Sshd {
  readonly folder: string;
  readonly port: number;
  /** The client's ssh_config, for `-F`: it names the host `loopback`. */
  readonly sshConfig: string;
  readonly authorizedKeys: string;
  /** The client's key. */
  readonly key: string;
  /** The PID of the listening sshd. */
  pid(): number;
  log(): string;
  /** Ends its connections, but not sshd. */
  endSessions(): void;
  /** Ends sshd, but not its connections. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Ends sshd and every connection, and removes the folder. */
  remove(): Promise<void>;
}

export async function makeSshd(options: SshdOptions = {}): Promise<Sshd> {
  const path = sshdPath();
  if (!path) throw new Error('sshd is not installed');
  const folder = mkdtempSync(join(options.within ?? tmpdir(), 'rn-host-'));
  let child: ChildProcess | undefined;
  const stop = async () => {
    if (!child || hasEnded(child)) return;
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child.stdin?.end();
    // A test may have stopped it: a stopped process ends only after it continues.
    for (const signal of ['SIGTERM', 'SIGCONT'] as const) child.kill(signal);
    await ended;
  };
  const { remove } = untilRemoved({
    remove: async () => {
      // A test may have stopped them, too.
      for (const pid of sessionsOf(child?.pid))
        for (const signal of ['SIGTERM', 'SIGCONT'] as const) signalQuietly(pid, signal);
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
    removeNow: () => {
      for (const pid of sessionsOf(child?.pid)) signalQuietly(pid, 'SIGKILL');
      child?.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  });
  const port = await freePort();
  const files = writeFiles(folder, port, options);
  // Privilege separation needs this folder when root runs sshd.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const log = join(folder, 'sshd.log');
  const start = async () => {
    const sshd = [path, '-D', '-e', '-f', join(folder, 'sshd_config'), '-E', log];
    const [program = '', ...args] = [...(options.machine?.enter ?? []), ...sshd];
    child = spawn(program, args, {
      stdio: [options.machine ? 'pipe' : 'ignore', 'ignore', 'ignore'],
      detached: options.ownSession === true,
    });
    await listening(options.machine?.address ?? '127.0.0.1', port, child);
  };
  await start();
  return {
    folder,
    port,
    ...files,
    pid: () => child?.pid ?? 0,
    log: () => readFileSync(log, 'utf8'),
    endSessions: () => {
      for (const pid of sessionsOf(child?.pid)) signalQuietly(pid, 'SIGKILL');
    },
    start,
    stop,
    remove,
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Writes the keys and configurations that sshd and its clients read. */
function writeFiles(
  folder: string,
  port: number,
  options: SshdOptions,
): Pick<Sshd, 'key' | 'sshConfig' | 'authorizedKeys'> {
  const key = join(folder, 'key');
  const authorizedKeys = writeKeys(folder, key);
  const config = join(folder, 'ssh_config');
  writeFileSync(join(folder, 'sshd_config'), sshdConfig(folder, port, options), { mode: 0o600 });
  writeFileSync(config, sshConfig(folder, port, options), { mode: 0o600 });
  return { key, sshConfig: config, authorizedKeys };
}

/** Returns the file of the keys that may log in. */
function writeKeys(folder: string, key: string): string {
  const keygen = (file: string) =>
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file]);
  keygen(key);
  keygen(join(folder, 'host_key'));
  const authorizedKeys = join(folder, 'authorized_keys');
  writeFileSync(authorizedKeys, readFileSync(`${key}.pub`), { mode: 0o644 });
  appendFileSync(
    join(folder, 'known_hosts'),
    `loopback ${readFileSync(join(folder, 'host_key.pub'), 'utf8')}`,
  );
  // Another account must be able to read its authorized_keys here.
  execFileSync('chmod', ['0711', folder]);
  return authorizedKeys;
}

function sshdConfig(
  folder: string,
  port: number,
  { sshdConfig = [], environment = {}, machine }: SshdOptions,
): string {
  const variables = Object.entries(environment).map(([name, value]) => `"${name}=${value}"`);
  return `${[
    ...sshdConfig,
    `Port ${port}`,
    `ListenAddress ${machine?.address ?? '127.0.0.1'}`,
    `HostKey ${join(folder, 'host_key')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    `PidFile ${join(folder, 'sshd.pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'MaxStartups 100',
    'MaxSessions 100',
    'LogLevel VERBOSE',
    ...(variables.length > 0 ? [`SetEnv ${variables.join(' ')}`] : []),
  ].join('\n')}\n`;
}

function sshConfig(
  folder: string,
  port: number,
  { sshConfig = [], user = userInfo().username, machine }: SshdOptions,
): string {
  return `${[
    'Host loopback',
    ...sshConfig.map((line) => `  ${line}`),
    `  HostName ${machine?.address ?? '127.0.0.1'}`,
    `  Port ${port}`,
    `  User ${user}`,
    '  HostKeyAlias loopback',
    `  IdentityFile ${join(folder, 'key')}`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    `  UserKnownHostsFile ${join(folder, 'known_hosts')}`,
    '  GlobalKnownHostsFile /dev/null',
  ].join('\n')}\n`;
}

/** Options with ports that are free, and that no other test's Jupyter takes while a tunnel is down. */
export async function ports(): Promise<string[]> {
  return ['--port', String(await freePort()), ...(await ownLocalPort())];
}

/** The option for a local port of its own. The server listens on a socket. */
export async function ownLocalPort(): Promise<string[]> {
  return ['--local-port', String(await freePort())];
}

/** Waits until sshd accepts connections. */
async function listening(address: string, port: number, child: ChildProcess): Promise<void> {
  const { connect } = await import('node:net');
  const deadline = Date.now() + 60_000;
  for (;;) {
    if (Date.now() > deadline) throw new Error(`nobody listens at ${address} port ${port}`);
    if (hasEnded(child)) throw new Error(`sshd ended with ${child.exitCode ?? child.signalCode}`);
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, address, () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The processes that this sshd started for its connections. */
function sessionsOf(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' }).split('\n');
  const rows = lines.map((line) => line.trim().split(/\s+/));
  const below = (parent: number): number[] =>
    rows
      .filter(([, ppid, name]) => Number(ppid) === parent && name?.startsWith('sshd'))
      .flatMap(([child]) => [Number(child), ...below(Number(child))]);
  return below(pid);
}
