import { parseRuntimeFile, type RuntimeInfo } from '../jupyter/server.ts';
import type { ServerIdentity } from '../model/identity.ts';
import type { JupyterRecord } from '../state/records.ts';
import { type Frame, type FrameKey, lastValue } from './protocol.ts';

/** A server as its host knows it. */
export interface HostServer {
  readonly info: RuntimeInfo;
  /** What this machine remembers of it. */
  readonly record: JupyterRecord;
  readonly environment: string;
  /** Whether it ran before it was asked for. */
  readonly joined: boolean;
  /** Who holds the port that was wanted, where that is not the server's. */
  readonly holder: string | undefined;
  /** What was asked for. */
  readonly asked: { readonly name: string; readonly directory: string };
  /** The machine that had it started; undefined where something else than this program has. */
  readonly from: string | undefined;
}

/** The server that these frames tell of, if its record has come to its end. */
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
