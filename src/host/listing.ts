import { parseRuntimeFile, type RuntimeInfo } from '../jupyter/server.ts';
import type { ServerIdentity } from '../model/identity.ts';
import type { HostListing, ListedServer } from '../model/listing.ts';
import type { Connection } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { secondsOf } from '../system/process.ts';
import { type Frame, type FrameKey, lastValue, valuesOf } from './protocol.ts';
import { runScript } from './run-script.ts';
import { type HostServer, identityIn, serverIn } from './server-record.ts';

/** A running server, as its process and its files on the host describe it. */
export interface FoundServer {
  readonly info: RuntimeInfo;
  readonly identity: ServerIdentity;
  /** Its runtime file; undefined if it has only a record. */
  readonly file?: string | undefined;
  /** How long it has been running; undefined if the host does not report it. */
  readonly upSeconds?: number | undefined;
  /** The kind of server, such as `jupyter lab`; undefined if its command line does not show it. */
  readonly command: string | undefined;
  /** Its records on the host, one for each of its names. */
  readonly records: readonly HostServer[];
}

/** All that servers.sh reports. */
export interface Everything extends Omit<HostListing, 'destination' | 'servers'> {
  readonly servers: readonly FoundServer[];
}

/** All running servers of this user on the host that have a record there, whichever machine started them. */
export async function listServers(connection: Connection, context: Context): Promise<HostServer[]> {
  const frames = await runScript(connection, { name: 'servers', variables: { all: '' } }, context);
  return groupsOf(frames).flatMap((group) => serverIn(group) ?? []);
}

/** Every Jupyter server of the user on the host. A file that Jupyter did not write is listed, not a failure. */
export async function everyServer(connection: Connection, context: Context): Promise<Everything> {
  const frames = await runScript(connection, { name: 'servers', variables: { all: 'yes' } }, context);
  const groups = groupsOf(frames);
  const files = groups.map((group) => ({ path: lastValue(group, 'file') ?? '', found: foundIn(group) }));
  const filesThatAre = (what: 'absent' | 'unreadable') =>
    files.filter(({ found }) => found === what).map(({ path }) => path);
  return {
    node: lastValue(frames, 'here') ?? '',
    servers: withRecords(
      files.flatMap(({ found }) => (typeof found === 'object' ? [found] : [])),
      groups.flatMap((group) => withoutFailure(() => serverIn(group)) ?? []),
    ),
    elsewhere: valuesOf(frames, 'elsewhere').map(elsewhereIn),
    absent: filesThatAre('absent'),
    unreadable: filesThatAre('unreadable'),
  };
}

/** The frames that end a group. */
const ENDS: readonly FrameKey[] = ['here', 'joined', 'absent', 'unreadable', 'content', 'elsewhere'];

/** The frames of servers.sh in groups: each describes one server, one file or the host. */
function groupsOf(frames: readonly Frame[]): Frame[][] {
  const groups: Frame[][] = [[]];
  for (const frame of frames) {
    groups.at(-1)?.push(frame);
    if (ENDS.includes(frame.key)) groups.push([]);
  }
  return groups;
}

/**
 * The server of a runtime file, or why there is none. It is absent if its process is gone, or if another program has its
 * PID now, which does not listen there. Undefined for groups of other frames.
 */
function foundIn(group: readonly Frame[]): FoundServer | 'absent' | 'unreadable' | undefined {
  const end = group.at(-1)?.key;
  if (end === 'absent' || end === 'unreadable') return end;
  if (end !== 'content') return undefined;
  const info = withoutFailure(() => parseRuntimeFile(lastValue(group, 'content') ?? ''));
  if (!info || String(info.pid) !== lastValue(group, 'pid')) return 'unreadable';
  const program = lastValue(group, 'program');
  const listens = valuesOf(group, 'listens');
  const where = info.socket ?? (info.port === 0 ? 'unknown' : String(info.port));
  // If the host cannot list what the process listens on, its command line decides.
  const isUnknown = listens.includes('unknown') || where === 'unknown';
  if (!listens.includes(where) && !(isUnknown && program)) return 'absent';
  const upSeconds = secondsOf(lastValue(group, 'elapsed') ?? '');
  return {
    info,
    identity: identityIn(group, info.pid),
    file: lastValue(group, 'file'),
    upSeconds: Number.isNaN(upSeconds) ? undefined : upSeconds,
    command: program ?? (info.version === undefined ? 'jupyter notebook' : undefined),
    records: [],
  };
}

/** Reads `NODE FOLDER`; the folder ends in the server's name and a checksum. */
function elsewhereIn(value: string): { name: string; node: string } {
  const [, node = '', name = ''] = /^(\S+) .*\/(.*)-\d+$/.exec(value) ?? [];
  return { name, node };
}

function withoutFailure<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** Each process once, with its records. A server may write two runtime files; that of jupyter_server says more. */
function withRecords(withFiles: readonly FoundServer[], known: readonly HostServer[]): FoundServer[] {
  const servers = new Map(withFiles.map((server) => [JSON.stringify(server.identity), server]));
  for (const server of known) {
    const { identity, command } = server.record;
    const id = JSON.stringify(identity);
    const found = servers.get(id) ?? { info: server.info, identity, command, records: [] };
    servers.set(id, { ...found, records: [...found.records, server] });
  }
  return [...servers.values()].sort((a, b) => a.info.port - b.info.port || a.info.pid - b.info.pid);
}

/** The server as `status --all` lists it, without its token. */
export function listed({ info, upSeconds, command, records }: FoundServer, nowMs: number): ListedServer {
  const own = records.find(({ record }) => !record.adopted);
  const startedAt = upSeconds === undefined ? undefined : new Date(nowMs - upSeconds * 1000).toISOString();
  return {
    pid: info.pid,
    port: info.port || null,
    socket: info.socket ?? null,
    version: info.version ?? null,
    command: own?.record.command ?? command ?? null,
    directory: own?.record.directory ?? info.directory ?? null,
    startedAt: startedAt ?? own?.record.startedAt ?? null,
    startedBy: own ? 'remote-notebook' : 'other',
    startedFrom: own?.from ?? null,
    names: records.map(({ asked }) => asked.name),
    passwordOnly: isPasswordOnly({ info, command }),
  };
}

/** Whether the server accepts only a password or a login: it has no token that could be used. */
export function isPasswordOnly({ info, command }: Pick<FoundServer, 'info' | 'command'>): boolean {
  return info.token === '' && (info.password || command === 'jupyterhub-singleuser');
}
