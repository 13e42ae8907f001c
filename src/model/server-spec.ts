import { absoluteSshConfig } from '../ssh/config-file.ts';
import { parseDestination, verifyNoPassword } from '../ssh/destination.ts';
import { UsageError } from '../system/errors.ts';
import { parseEnvironment } from './environment.ts';
import type { ServerSettings } from './settings.ts';

/** What the user wants to run, and where. */
export interface ServerSpec {
  readonly name: string;
  readonly destination: string;
  /** ssh's own `-F`: an absolute path, or `none`. */
  readonly sshConfig: string | undefined;
  /** On the host; a leading `~` is the home folder there, and empty too. */
  readonly directory: string;
  /** Lines of shell that come first on the host, in the directory. */
  readonly setup: readonly string[];
  /** See `parseEnvironment`. A venv's folder is in the directory, absolute or below `~`. */
  readonly environment: string;
  /** The Jupyter command; empty for JupyterLab where there is one, else the classic notebook. */
  readonly command: string;
  /** The wanted port on the host. */
  readonly port: number;
  /** The wanted port of this machine; undefined for the same one as on the host. */
  readonly localPort: number | undefined;
  /** Whether Jupyter listens on a Unix socket that only this user can reach, and on no port of the host. */
  readonly socket: boolean;
  /** Whether a taken port is a failure. */
  readonly strictPort: boolean;
  /** Seconds of idleness after which Jupyter ends its kernels, and then itself; undefined for never. */
  readonly idleTimeoutS?: number | undefined;
}

export const DEFAULT_PORT = 8889;

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}._-]{0,63}$/u;

/**
 * @param sshConfig ssh's own `-F`, which wins over the settings'
 * @throws UsageError when any part cannot be used as it is.
 */
export function makeSpec(
  name: string,
  settings: ServerSettings & { destination: string },
  sshConfig: string | undefined,
): ServerSpec {
  parseDestination(settings.destination);
  const file = sshConfig ?? settings['ssh-config'];
  return {
    name: verifyName(name),
    destination: settings.destination,
    sshConfig: file === undefined ? undefined : absoluteSshConfig(verifyLine('ssh-config', file)),
    directory: verifyLine('directory', settings.directory ?? ''),
    setup: (settings.setup ?? []).map((line) => verifyLine('setup', line)),
    environment: verifyEnvironment(settings.environment ?? ''),
    command: verifyLine('command', settings.command ?? ''),
    port: verifyPort('port', settings.port ?? DEFAULT_PORT),
    localPort:
      settings['local-port'] === undefined ? undefined : verifyPort('local-port', settings['local-port']),
    socket: settings.socket ?? false,
    strictPort: settings['strict-port'] ?? false,
    ...(settings['idle-timeout'] === undefined
      ? {}
      : { idleTimeoutS: parseDuration('idle-timeout', settings['idle-timeout']) }),
  };
}

const UNITS = { m: 60, h: 3600, d: 86_400 } as const;

/** The seconds of a duration as people write it: 90m, 8h, 2d. */
function parseDuration(option: string, value: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(value) ?? [];
  if (count !== undefined) return Number(count) * UNITS[unit as keyof typeof UNITS];
  throw new UsageError(`--${option} is "${value}", which is no duration`, {
    remedy: 'A duration is minutes, hours or days: 90m, 8h, 2d',
  });
}

/** Seconds as `--idle-timeout` takes them. */
export function durationText(seconds: number): string {
  if (seconds % UNITS.d === 0) return `${seconds / UNITS.d}d`;
  return seconds % UNITS.h === 0 ? `${seconds / UNITS.h}h` : `${seconds / UNITS.m}m`;
}

/** The name of a server that was given none: its host's. */
export function defaultName(destination: string): string {
  const { host } = parseDestination(destination);
  return (
    host
      .replace(/[^\p{L}\p{N}._-]/gu, '-')
      .replace(/^[.-]+/, '')
      .slice(0, 64) || 'notebook'
  );
}

function verifyName(name: string): string {
  // The names of servers are keys of objects, which have some of their own.
  if (NAME.test(name) && !(name in {})) return name;
  verifyNoPassword(name);
  if (NAME.test(name)) {
    throw new UsageError(`"${name}" cannot be a server's name: it means something to JavaScript`, {
      remedy: 'Give it another with --name.',
    });
  }
  throw new UsageError(`"${name}" cannot be a server's name`, {
    remedy:
      'A name has letters, digits, dots, dashes and underscores, at most 64, and begins with none of . and -',
  });
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

function verifyPort(option: string, port: number): number {
  if (isPort(port)) return port;
  throw new UsageError(
    `--${option} is ${Number.isNaN(port) ? 'not a number' : port}: a port is a whole number from 1 to 65535`,
  );
}

function verifyEnvironment(word: string): string {
  parseEnvironment(verifyLine('environment', word));
  return word;
}

function verifyLine(option: string, value: string): string {
  if (!/[\0\r\n]/.test(value)) return value;
  throw new UsageError(`--${option} holds a line break, which would not survive the way to the host`);
}
