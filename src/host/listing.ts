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

/** A server that runs, as its process and its files on the host tell of it. */
export interface FoundServer {
  readonly info: RuntimeInfo;
  readonly identity: ServerIdentity;
  /** Its runtime file. Undefined where only a record tells of it. */
  readonly file: string | undefined;
  /** How long it runs; undefined where the host does not tell. */
  readonly upSeconds: number | undefined;
  /** What kind of server it is: `jupyter lab`. Undefined where its command line does not tell. */
  readonly command: string | undefined;
  /** Its records on the host, one for each name that it has. */
  readonly records: readonly HostServer[];
}

/** What servers.sh tells when it is asked for all. */
export interface Everything extends Omit<HostListing, 'destination' | 'servers'> {
  readonly servers: readonly FoundServer[];
}

/** All servers of this user on the host that were started by this program, from any machine, and live. */
export async function listServers(connection: Connection, context: Context): Promise<HostServer[]> {
  const frames = await runScript(connection, { name: 'servers', variables: { all: '' } }, context);
  return groupsOf(frames).flatMap((group) => serverIn(group) ?? []);
}

/** Asks the host for every Jupyter server of the user. A file that no Jupyter wrote is told, and is no failure. */
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

/** The frames that end what is told of one thing. */
const ENDS: readonly FrameKey[] = ['here', 'joined', 'absent', 'unreadable', 'content', 'elsewhere'];

/** The frames of servers.sh, those of each thing together. */
function groupsOf(frames: readonly Frame[]): Frame[][] {
  const groups: Frame[][] = [[]];
  for (const frame of frames) {
    groups.at(-1)?.push(frame);
    if (ENDS.includes(frame.key)) groups.push([]);
  }
  return groups;
}

/**
 * The server of a runtime file, or why it is none: its process is gone, or its PID is another program's by now, which
 * does not listen there. Undefined for what is told of anything else.
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
  // Where nobody can tell what it has, its own name has to do.
  const isUntold = listens.includes('unknown') || where === 'unknown';
  if (!listens.includes(where) && !(isUntold && program)) return 'absent';
  const elapsed = lastValue(group, 'elapsed');
  return {
    info,
    identity: identityIn(group, info.pid),
    file: lastValue(group, 'file'),
    upSeconds: elapsed ? secondsOf(elapsed.trim()) : undefined,
    command: program ?? (info.version === undefined ? 'jupyter notebook' : undefined),
    records: [],
  };
}

/** `NODE FOLDER`, of which the folder ends in the server's name and a checksum. */
function elsewhereIn(words: string): { name: string; node: string } {
  const [, node = '', name = ''] = /^(\S+) .*\/(.*)-\d+$/.exec(words) ?? [];
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

/** Each process once, with its records. A server may write a file of either kind; that of jupyter_server tells more. */
function withRecords(found: readonly FoundServer[], known: readonly HostServer[]): FoundServer[] {
  const servers = new Map(found.map((server) => [JSON.stringify(server.identity), server]));
  for (const server of known) {
    const { identity, command } = server.record;
    const id = JSON.stringify(identity);
    const onRecordAlone = {
      info: server.info,
      identity,
      file: undefined,
      upSeconds: undefined,
      command,
      records: [],
    };
    const same: FoundServer = servers.get(id) ?? onRecordAlone;
    servers.set(id, { ...same, records: [...same.records, server] });
  }
  return [...servers.values()].sort((a, b) => a.info.port - b.info.port || a.info.pid - b.info.pid);
}

/** The server as it is listed, without its token. @param nowMs for when it was started */
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

/** Whether its token is not told, and it wants to know who one is. */
export function isPasswordOnly({ info, command }: Pick<FoundServer, 'info' | 'command'>): boolean {
  return info.token === '' && (info.password || command === 'jupyterhub-singleuser');
}
