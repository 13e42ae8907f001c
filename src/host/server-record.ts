import { parseRuntimeFile, type RuntimeInfo } from '../jupyter/server.ts';
import type { ServerIdentity } from '../model/identity.ts';
import type { JupyterRecord } from '../state/records.ts';
import { type Frame, type FrameKey, lastValue } from './protocol.ts';

/** A server as its host knows it. */
export interface HostServer {
  readonly info: RuntimeInfo;
  readonly folder: string;
  readonly directory: string;
  readonly environment: string;
  readonly command: string;
  readonly identity: ServerIdentity;
  readonly startedAt: string;
  /** Whether it ran before it was asked for. */
  readonly joined: boolean;
  /** Who holds the port that was wanted, where that is not the server's. */
  readonly holder: string | undefined;
  /** What was asked for. A record of an earlier version does not tell. */
  readonly asked: { readonly name: string; readonly directory: string } | undefined;
  /** The machine that had it started. A record of an earlier version does not tell. */
  readonly from: string | undefined;
  /** Whether something else than this program has started it. */
  readonly adopted: boolean;
}

/** The server that these frames tell of, if its record has come to its end. */
export function serverIn(frames: readonly Frame[]): HostServer | undefined {
  const joined = lastValue(frames, 'joined');
  if (joined === undefined) return undefined;
  const value = (key: FrameKey) => lastValue(frames, key) ?? '';
  const info = parseRuntimeFile(value('server'));
  return {
    info,
    identity: identityIn(frames, info.pid),
    folder: value('folder'),
    directory: value('directory'),
    environment: value('environment'),
    command: value('command'),
    startedAt: isoTime(value('started')),
    joined: joined === 'yes',
    holder: lastValue(frames, 'holder'),
    asked: askedIn(frames),
    from: lastValue(frames, 'from'),
    adopted: lastValue(frames, 'adopted') !== undefined,
  };
}

function askedIn(frames: readonly Frame[]): HostServer['asked'] {
  const name = lastValue(frames, 'name');
  const directory = lastValue(frames, 'asked');
  return name === undefined || directory === undefined ? undefined : { name, directory };
}

/** What the frames of a record tell of the server with this PID. */
export function identityIn(frames: readonly Frame[], pid: number): ServerIdentity {
  const value = (key: FrameKey) => lastValue(frames, key) ?? '';
  const [, scheduler, id] = /^(\S+) (.+)$/.exec(value('job')) ?? [];
  if (scheduler !== undefined && id !== undefined) return { kind: 'job', scheduler, id };
  return { kind: 'process', node: value('node'), pid, startTime: value('start_time') };
}

/** The variables by which the scripts know a server; they know a job by its record alone. */
export function identityVariables(identity: ServerIdentity): { pid: string; start_time: string } {
  switch (identity.kind) {
    case 'process':
      return { pid: String(identity.pid), start_time: identity.startTime };
    case 'job':
      return { pid: '', start_time: '' };
  }
}

/** A host that tells no time tells the beginning of all: nothing depends on it. */
function isoTime(seconds: string): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}

/** What this machine remembers of a server that its host has told of. */
export function serverRecord({
  info,
  identity,
  startedAt,
  folder,
  directory,
  command,
  adopted,
}: HostServer): JupyterRecord {
  const { port, socket, host, version, baseUrl, secure, token } = info;
  const where = { port, socket, host, baseUrl, secure };
  return { identity, startedAt, folder, directory, command, version, token, adopted, ...where };
}
