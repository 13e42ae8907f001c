import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { parseRuntimeFile, type RuntimeInfo } from '../jupyter/server.ts';
import { schedulerNamed } from '../launchers/launchers.ts';
import type { ServerIdentity } from '../model/identity.ts';
import type { Job, JobStatus } from '../model/job.ts';
import { type JobPlace, type RelayPlace, RelayPlaceSchema } from '../model/relay-place.ts';
import type { JupyterRecord } from '../state/records.ts';
import { secondsOf } from '../system/process.ts';
import { type Frame, type FrameKey, lastValue, valuesOf } from './protocol.ts';

/** A server with a record on its host. */
export interface HostServer {
  readonly info: RuntimeInfo;
  /** For the records of this machine. */
  readonly record: JupyterRecord;
  readonly relay: RelayPlace | undefined;
  readonly environment: string;
  /** Whether it was already running. */
  readonly joined: boolean;
  /** The process that uses the requested port, if the server does not. */
  readonly holder: string | undefined;
  /** Why it listens on a port, although its settings have none. */
  readonly noSocket: string | undefined;
  /** As the user wrote them. */
  readonly asked: { readonly name: string; readonly directory: string };
  /** The machine from which it was started; undefined if this program did not start it. */
  readonly from: string | undefined;
}

/** The server that these frames describe; undefined if its last frame is missing. */
export function serverIn(frames: readonly Frame[]): HostServer | undefined {
  const joined = lastValue(frames, 'joined');
  if (joined === undefined) return undefined;
  const value = (key: FrameKey) => lastValue(frames, key) ?? '';
  const info = parseRuntimeFile(value('server'));
  const { port, socket, host, baseUrl, secure, token } = info;
  return {
    info,
    record: {
      identity: identityIn(frames, info.pid),
      machine: lastValue(frames, 'machine') || undefined,
      startedAt: startOf(value('elapsed')).toISOString(),
      folder: value('folder'),
      origin: lastValue(frames, 'origin'),
      directory: value('directory'),
      command: value('command'),
      adopted: value('adopted') === 'yes',
      python: lastValue(frames, 'python') || undefined,
      prefix: lastValue(frames, 'prefix') || undefined,
      allotment: allotmentIn(frames),
      // Its runtime file contains only the version of jupyter_server.
      version: undefined,
      ...{ port, socket, host, baseUrl, secure, token },
    },
    relay: relayIn(frames),
    environment: value('environment'),
    joined: joined === 'yes',
    holder: lastValue(frames, 'holder'),
    noSocket: lastValue(frames, 'no_socket'),
    asked: { name: value('name'), directory: value('asked') },
    from: lastValue(frames, 'from'),
  };
}

/** Its relay, if it has one whose paths any login shell can be given. */
export function relayIn(frames: readonly Frame[]): RelayPlace | undefined {
  const value = (key: FrameKey) => lastValue(frames, key) ?? '';
  const socket = value('relay');
  const place = {
    python: value('relay_python'),
    script: socket.replace(/\.sock$/, '.py'),
    record: value('folder'),
    socket,
    job: jobPlaceIn(frames),
  };
  const result = v.safeParse(RelayPlaceSchema, place);
  return result.success ? result.output : undefined;
}

/** Where the job in these frames has its relay; undefined without a job, and for one on the host itself. */
function jobPlaceIn(frames: readonly Frame[]): JobPlace | undefined {
  const job = jobIn(frames);
  if (!job) return undefined;
  const { scheduler, id } = job;
  const node = lastValue(frames, 'node') ?? '';
  // A scheduler with such a command may give a job files of its own, which are not seen from elsewhere.
  const hasOwnWay = schedulerNamed(scheduler)?.within(id) !== undefined;
  if (!hasOwnWay && node === lastValue(frames, 'here')) return undefined;
  return { scheduler, id, node, hostKeys: valuesOf(frames, 'host_key') };
}

/** The node and the end of the job in these frames, if there is a job. */
function allotmentIn(frames: readonly Frame[]): JupyterRecord['allotment'] {
  const status = jobStatusIn(frames);
  return status && { node: status.node, endsAt: status.endsAt };
}

/** The identity that the frames of a record give to the server with this PID. */
export function identityIn(frames: readonly Frame[], pid: number): ServerIdentity {
  const value = (key: FrameKey) => lastValue(frames, key) ?? '';
  const job = jobIn(frames);
  if (job) return { kind: 'job', scheduler: job.scheduler, id: job.id };
  return { kind: 'process', node: value('node'), pid, startTime: value('start_time') };
}

/** The variables that identify a server to the scripts; a job is identified by its record alone. */
export function identityVariables(identity: ServerIdentity): { pid: string; start_time: string } {
  if (identity.kind === 'job') return { pid: '', start_time: '' };
  return { pid: String(identity.pid), start_time: identity.startTime };
}

/** The variables by which the scripts recognize a server that is on record here. */
export function recordVariables({ identity, folder, origin = '', machine = '' }: JupyterRecord) {
  // A job is known on each machine of its cluster.
  const where = identity.kind === 'job' ? '' : machine;
  return { folder, origin, machine: where, ...identityVariables(identity) };
}

/** Whether a server that a host has reported now runs on another machine than one of its name that is on record here. */
export function isOnAnotherMachine(
  found: JupyterRecord,
  { identity, origin, machine }: JupyterRecord,
): boolean {
  const isSame = isDeepStrictEqual(found.identity, identity) || (origin && found.origin === origin);
  return !isSame && machine !== undefined && found.machine !== undefined && found.machine !== machine;
}

/**
 * The start of a process by the clock of this machine: that of the host may be wrong, but the host knows how long the
 * process has been running. If it does not report that, the process starts now.
 */
function startOf(elapsed: string): Date {
  return new Date(Date.now() - (secondsOf(elapsed) || 0) * 1000);
}

/** The job that these frames name, if any. */
export function jobIn(frames: readonly Frame[]): Job | undefined {
  const [, scheduler, id] = /^([a-z]+) ([0-9]+)$/.exec(lastValue(frames, 'job') ?? '') ?? [];
  return scheduler && id ? { scheduler, id, folder: lastValue(frames, 'folder') ?? '' } : undefined;
}

/** What a scheduler said last about a job in these frames; undefined if it said nothing. */
export function jobStatusIn(frames: readonly Frame[]): JobStatus | undefined {
  const launcher = schedulerNamed(jobIn(frames)?.scheduler ?? '');
  const over = lastValue(frames, 'over');
  if (over !== undefined)
    return { state: 'over', reason: over || null, node: null, expectedStart: null, endsAt: null };
  const [, seconds, line] = /^(\d+) (.*)$/.exec(lastValue(frames, 'queue') ?? '') ?? [];
  return line === undefined ? undefined : launcher?.status(line, Number(seconds) * 1000);
}
