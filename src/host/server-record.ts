import { parseRuntimeFile, type RuntimeInfo } from '../jupyter/server.ts';
import type { ServerIdentity } from '../model/identity.ts';
import type { JupyterRecord } from '../state/records.ts';
import { type Frame, type FrameKey, lastValue } from './protocol.ts';

/** A server with a record on its host. */
export interface HostServer {
  readonly info: RuntimeInfo;
  /** For the records of this machine. */
  readonly record: JupyterRecord;
  readonly environment: string;
  /** Whether it was already running. */
  readonly joined: boolean;
  /** The process that uses the requested port, if the server does not. */
  readonly holder: string | undefined;
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
  const { port, socket, host, version, baseUrl, secure, token } = info;
  return {
    info,
    record: {
      identity: identityIn(frames, info.pid),
      startedAt: isoTime(value('started')),
      folder: value('folder'),
      directory: value('directory'),
      command: value('command'),
      adopted: value('adopted') === 'yes',
      ...{ port, socket, host, version, baseUrl, secure, token },
    },
    environment: value('environment'),
    joined: joined === 'yes',
    holder: lastValue(frames, 'holder'),
    asked: { name: value('name'), directory: value('asked') },
    from: lastValue(frames, 'from'),
  };
}

/** The identity that the frames of a record give to the server with this PID. */
export function identityIn(frames: readonly Frame[], pid: number): ServerIdentity {
  const value = (key: FrameKey) => lastValue(frames, key) ?? '';
  const [, scheduler, id] = /^(\S+) (.+)$/.exec(value('job')) ?? [];
  if (scheduler !== undefined && id !== undefined) return { kind: 'job', scheduler, id };
  return { kind: 'process', node: value('node'), pid, startTime: value('start_time') };
}

/** The variables that identify a server to the scripts; a job is identified by its record alone. */
export function identityVariables(identity: ServerIdentity): { pid: string; start_time: string } {
  if (identity.kind === 'job') return { pid: '', start_time: '' };
  return { pid: String(identity.pid), start_time: identity.startTime };
}

/** A host that reports no time gets 1970: nothing depends on it. */
function isoTime(seconds: string): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}
