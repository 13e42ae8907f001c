import { HostFailure, reportIn } from '../host/failures.ts';
import { type Frame, lastValue, valuesOf } from '../host/protocol.ts';
import { jobIn } from '../host/server-record.ts';
import { defaultKernelIn, kernelProblem } from '../jupyter/default-kernel.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { type Check, failed, ok, unchecked, warning } from './check.ts';
import { checkConfiguration } from './configuration.ts';

/** Kilobytes and inodes below which Jupyter may soon fail to save. */
const LITTLE_KB = 200_000;
const NO_KB = 5000;
const FEW_INODES = 1000;

/** Returns the checks of the host by the frames of doctor.sh. Those after the first failed one are `unchecked`. */
export function hostChecks(frames: readonly Frame[], spec: ServerSpec): Check[] {
  let broken: string | undefined;
  return Object.entries(READERS).map(([layer, read]): Check => {
    if (broken) return unchecked(layer, broken);
    if (spec.launcher !== 'direct' && ON_THE_NODE.includes(layer))
      return unchecked(layer, 'only the node of the job has it');
    if (!valuesOf(frames, 'checked').includes(layer)) {
      broken = layer;
      const { message, remedy } = new HostFailure(reportIn(frames), spec);
      return failed(layer, message, remedy);
    }
    return read(frames, spec);
  });
}

/** The checks of the host in the order of doctor.sh. Each depends on those before it. */
const READERS: Readonly<Record<string, (frames: readonly Frame[], spec: ServerSpec) => Check>> = {
  tools: () => ok('tools', 'all tools that our scripts need are installed'),
  logind: readLogind,
  port: readPort,
  directory: readDirectory,
  disk: readDisk,
  server: readServer,
  environment: (frames, { environment }) => {
    const notes = valuesOf(frames, 'note');
    if (notes.length === 0)
      return ok('environment', environment || 'not set: start uses the Jupyter that it finds');
    const found = notes.join('; ');
    return notes.every((note) => note.startsWith('using '))
      ? ok('environment', found)
      : warning('environment', found, 'Choose one with --environment.');
  },
  jupyter: (frames) => {
    const command = lastValue(frames, 'command') ?? '';
    if (lastValue(frames, 'unasked') !== undefined)
      return ok('jupyter', `${command} (version not checked: running it might start something)`);
    const version = lastValue(frames, 'version');
    return version
      ? ok('jupyter', `${command} ${version}`)
      : failed(
          'jupyter',
          `"${command} --version" prints nothing`,
          'Its environment may be damaged. Run the command there by hand, or install it again: pip install jupyterlab',
        );
  },
  configuration: (frames) =>
    checkConfiguration(lastValue(frames, 'config'), valuesOf(frames, 'unread'), lastValue(frames, 'unasked')),
  kernel: readKernel,
};

export const HOST_LAYERS = Object.keys(READERS);

/** What a job finds on its node. Nothing of it is run on the login node. */
const ON_THE_NODE = ['logind', 'port', 'environment', 'jupyter', 'configuration', 'kernel'];

function readKernel(frames: readonly Frame[], spec: ServerSpec): Check {
  const name = 'kernel';
  const value = (key: 'python' | 'prefix') => lastValue(frames, key) || undefined;
  const home = { python: value('python'), prefix: value('prefix') };
  const kernel = defaultKernelIn(lastValue(frames, 'kernels') ?? '', home);
  if (!kernel) return unchecked(name, 'Jupyter did not list its kernels');
  const problem = kernelProblem(kernel, spec.environment, home);
  if (!problem) return ok(name, `cells run in ${kernel.python ?? `the kernel ${kernel.name}`}`);
  const { folder } = kernel;
  return folder === undefined
    ? warning(name, problem.found, `On the host, run: ${problem.fix}`)
    : warning(
        name,
        `${problem.found} (kernelspec: ${folder})`,
        `On the host, run: ${problem.fix}. If Jupyter still uses that kernelspec afterwards, delete its folder.`,
      );
}

function readLogind(frames: readonly Frame[]): Check {
  const kills = lastValue(frames, 'logind');
  if (kills === undefined) return ok('logind', 'not used: servers survive a logout');
  if (kills === 'false') return ok('logind', 'KillUserProcesses is off: servers survive a logout');
  if (lastValue(frames, 'linger') === 'yes') return ok('logind', 'lingering is on: servers survive a logout');
  return warning(
    'logind',
    kills === 'true'
      ? 'KillUserProcesses is on: the server ends with your last session there'
      : 'could not check whether the server ends with your last session there (KillUserProcesses)',
    'Run once on the host: loginctl enable-linger',
  );
}

const SOCKET_REMEDY =
  'Other users of the host can connect to a port. To use a socket instead, set TMPDIR to another folder in a setup command.';

function readPort(frames: readonly Frame[], { port, strictPort }: ServerSpec): Check {
  const holder = lastValue(frames, 'holder');
  const runs = lastValue(frames, 'runs');
  const noSocket = lastValue(frames, 'no_socket');
  if (noSocket !== undefined)
    return warning('port', `start uses a port, not a private socket: ${noSocket}`, SOCKET_REMEDY);
  if (port === undefined) return ok('port', 'not needed: Jupyter listens on a private socket');
  if (lastValue(frames, 'unseen') !== undefined)
    return warning(
      'port',
      `could not check whether port ${port} is free: the host has neither ss nor lsof`,
      'Install one of them there. If the port is in use, Jupyter uses another one.',
    );
  if (holder === undefined) return ok('port', `${port} is free`);
  if (runs !== undefined && holder.includes(`(PID ${runs})`))
    return ok('port', `${port} is in use by this server`);
  const found = `port ${port} of the host is already in use by ${holder}`;
  return strictPort
    ? failed('port', found, 'Choose another port with --port, or omit --strict-port.')
    : warning('port', found, 'Jupyter uses the next free port, or the one that --port names.');
}

function readDirectory(frames: readonly Frame[]): Check {
  const readonly = lastValue(frames, 'readonly');
  if (readonly === undefined) return ok('directory', lastValue(frames, 'directory') ?? '');
  return warning(
    'directory',
    `${readonly} is not writable`,
    'Notebooks can be opened there, but not saved: choose another directory with --directory.',
  );
}

function readDisk(frames: readonly Frame[]): Check {
  const measured = (key: 'free' | 'inodes') =>
    valuesOf(frames, key)
      .map((value) => /^(\d+) (.*)$/.exec(value))
      .flatMap((match) => (match ? [{ free: Number(match[1]), place: match[2] ?? '' }] : []))
      .sort((one, other) => one.free - other.free);
  const [least] = measured('free');
  // A file system without a table of inodes reports a negative number.
  const [fewest] = measured('inodes').filter(({ free }) => free < FEW_INODES && free >= 0);
  const remedy = 'Remove files there, or choose a directory on another disk with --directory.';
  const left = least && `${size(least.free)} free in ${least.place}`;
  if (left && least.free < NO_KB) return failed('disk', left, remedy);
  const quota = valuesOf(frames, 'quota');
  if (quota.length > 0) return failed('disk', `over your quota: ${quota.join(' / ')}`, remedy);
  if (left && least.free < LITTLE_KB) return warning('disk', left, remedy);
  if (fewest) return warning('disk', `${fewest.place} has room for only ${fewest.free} more files`, remedy);
  return ok('disk', least ? `${size(least.free)} free` : 'df does not report the free space');
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
  const job = jobIn(frames);
  const waits = lastValue(frames, 'waits');
  if (waits !== undefined) return ok('server', `the job ${waits} has not started it yet`);
  if (runs !== undefined) return ok('server', job ? `running in the job ${job.id}` : `running, PID ${runs}`);
  if (lastValue(frames, 'dead') === undefined) return ok('server', 'not started yet');
  return warning(
    'server',
    'the server has ended, but its record is still on the host',
    `Look at its log (remote-notebook logs ${spec.name}), and start it again: remote-notebook start ${spec.name}`,
  );
}
