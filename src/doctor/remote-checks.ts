import { HostFailure, reportIn } from '../host/failures.ts';
import { type Frame, lastValue, valuesOf } from '../host/protocol.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { type Check, failed, ok, unchecked, warning } from './check.ts';
import { checkConfiguration } from './configuration.ts';

/** Kilobytes and inodes below which Jupyter soon fails to save. */
const LITTLE_KB = 200_000;
const NO_KB = 5000;
const FEW_INODES = 1000;

/** The layers of the host in the order of doctor.sh, each with what it depends on there. */
export const HOST_LAYERS = [
  'logind',
  'port',
  'directory',
  'disk',
  'server',
  'environment',
  'jupyter',
  'configuration',
] as const;
type Layer = (typeof HOST_LAYERS)[number];

/** Reads each layer of the host in doctor.sh's frames: the first that failed is told, those behind it are not guessed. */
export function hostChecks(frames: readonly Frame[], spec: ServerSpec): Check[] {
  let broken: Layer | undefined;
  return HOST_LAYERS.map((layer): Check => {
    if (broken) return unchecked(layer, broken);
    if (!valuesOf(frames, 'checked').includes(layer)) {
      broken = layer;
      const { message, remedy } = new HostFailure(reportIn(frames), spec);
      return failed(layer, message, remedy);
    }
    return READERS[layer](frames, spec);
  });
}

const READERS: Readonly<Record<Layer, (frames: readonly Frame[], spec: ServerSpec) => Check>> = {
  logind: readLogind,
  port: readPort,
  directory: readDirectory,
  disk: readDisk,
  server: readServer,
  environment: (frames, { environment }) => {
    const notes = valuesOf(frames, 'note');
    const named = environment || 'none is named: what is found is used';
    if (notes.length === 0) return ok('environment', named);
    const found = notes.join('; ');
    return notes.every((note) => note.startsWith('using '))
      ? ok('environment', found)
      : warning('environment', found, 'Name the one that you mean with --environment.');
  },
  jupyter: (frames) => {
    const command = lastValue(frames, 'command') ?? '';
    if (lastValue(frames, 'unasked') !== undefined)
      return ok('jupyter', `${command} (its version is not asked: it may start something)`);
    const version = lastValue(frames, 'version');
    return version
      ? ok('jupyter', `${command} ${version}`)
      : failed(
          'jupyter',
          `"${command} --version" says nothing`,
          'Is its environment whole? Run it there by hand, or install it again: pip install jupyterlab',
        );
  },
  configuration: (frames) =>
    checkConfiguration(lastValue(frames, 'config'), valuesOf(frames, 'unread'), lastValue(frames, 'unasked')),
};

function readLogind(frames: readonly Frame[]): Check {
  const kills = lastValue(frames, 'logind');
  if (kills === undefined) return ok('logind', 'none there: what was started stays');
  if (kills === 'false') return ok('logind', 'KillUserProcesses is off: what was started stays');
  if (lastValue(frames, 'linger') === 'yes') return ok('logind', 'you may linger: what was started stays');
  return warning(
    'logind',
    kills === 'true'
      ? 'KillUserProcesses is on: the server ends with your last session there'
      : 'it does not tell whether a server ends with your last session there (KillUserProcesses)',
    'Run once on the host: loginctl enable-linger',
  );
}

function readPort(frames: readonly Frame[], { port, strictPort, socket }: ServerSpec): Check {
  const holder = lastValue(frames, 'holder');
  const runs = lastValue(frames, 'runs');
  if (socket) return ok('port', 'none is needed: Jupyter listens on a socket');
  if (holder === undefined) return ok('port', `${port} is free`);
  if (runs !== undefined && holder.includes(`(PID ${runs})`)) return ok('port', `${port} is this server's`);
  const found = `${port} of the host is taken by ${holder}`;
  return strictPort
    ? failed('port', found, 'Name another with --port, or leave out --strict-port.')
    : warning('port', found, 'Jupyter takes the next one that is free; --port names another.');
}

function readDirectory(frames: readonly Frame[]): Check {
  const readonly = lastValue(frames, 'readonly');
  if (readonly === undefined) return ok('directory', lastValue(frames, 'directory') ?? '');
  return warning(
    'directory',
    `${readonly} cannot be written`,
    'Notebooks open there, but cannot be saved: name another with --directory.',
  );
}

function readDisk(frames: readonly Frame[]): Check {
  const measured = (key: 'free' | 'inodes') =>
    valuesOf(frames, key)
      .map((value) => /^(\d+) (.*)$/.exec(value))
      .flatMap((match) => (match ? [{ free: Number(match[1]), place: match[2] ?? '' }] : []))
      .sort((one, other) => one.free - other.free);
  const [least] = measured('free');
  // A file system without a table of inodes counts none.
  const [fewest] = measured('inodes').filter(({ free }) => free < FEW_INODES && free >= 0);
  const remedy =
    'Remove there what you need no longer, or name a directory on another disk with --directory.';
  const left = least && `${size(least.free)} are left in ${least.place}`;
  if (left && least.free < NO_KB) return failed('disk', left, remedy);
  const quota = valuesOf(frames, 'quota');
  if (quota.length > 0) return failed('disk', `over your quota: ${quota.join(' / ')}`, remedy);
  if (left && least.free < LITTLE_KB) return warning('disk', left, remedy);
  if (fewest) return warning('disk', `room for ${fewest.free} more files in ${fewest.place}`, remedy);
  return ok('disk', least ? `${size(least.free)} are free` : 'df does not tell');
}

function size(kilobytes: number): string {
  return kilobytes < 10_000_000
    ? `${Math.floor(kilobytes / 1000)} MB`
    : `${Math.floor(kilobytes / 1_000_000)} GB`;
}

function readServer(frames: readonly Frame[], spec: ServerSpec): Check {
  const runs = lastValue(frames, 'runs');
  const subject = lastValue(frames, 'elsewhere');
  if (subject !== undefined) {
    const { message, remedy } = new HostFailure({ cause: 'elsewhere', subject }, spec);
    return warning('server', message, remedy);
  }
  if (runs !== undefined) return ok('server', `runs, PID ${runs}`);
  if (lastValue(frames, 'dead') === undefined) return ok('server', 'none runs yet');
  return warning(
    'server',
    'it has ended, and its record is still there',
    `See its last words (remote-notebook logs ${spec.name}), and start it again: remote-notebook start ${spec.name}`,
  );
}
