import type { Job } from '../model/job.ts';
import type { RelayPlace } from '../model/relay-place.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { DEFAULT_PORT } from '../model/settings.ts';
import { allForwards, type Connection, type Forward } from '../ssh/arguments.ts';
import {
  type Forwards,
  type JoinedRecord,
  type JupyterRecord,
  putRecord,
  readRecords,
  type ServerRecord,
} from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { isPortFree, LOOPBACK, portInUse } from '../system/port.ts';
import { connectionOf } from './connection.ts';
import { serverTarget } from './target.ts';
import { isForwardBound, openTunnel, releaseTunnel } from './tunnel.ts';

/** Maximum number of ports after the requested one that are tried. */
const PORT_TRIES = 50;

/** A start that needs a local port. */
export interface PortSearch {
  readonly spec: ServerSpec;
  readonly connection: Connection;
  readonly context: Context;
  readonly before: ServerRecord | undefined;
  /** The forwards before this start. The server keeps its local port, because bookmarks point to it. */
  readonly forwards: Forwards;
  /** The job in which the server boots, if any. */
  readonly job?: Job | undefined;
  /** The forward that was set up while Jupyter boots. */
  prepared?: Promise<Forward | undefined>;
}

/**
 * Sets up the forward to a socket while Jupyter boots, and returns it. The port of a server is not known yet; with a relay,
 * the server keeps the local port that it had. Records the server in each case: from now on, `stop` can find it on the host.
 */
export async function prepareForward(
  search: PortSearch,
  socket: string | undefined,
  relay: RelayPlace | undefined,
): Promise<Forward | undefined> {
  const { spec, context, forwards, job } = search;
  const localPort = requestedPort(search, DEFAULT_PORT);
  const isPossible = socket !== undefined && (await isFree(localPort, search, undefined));
  const own = isPossible ? loopbackForward(localPort, socket) : undefined;
  const kept = own ?? (relay && forwards.own);
  await putRecord({ spec, jupyter: undefined, job, forwards: { ...forwards, own: kept }, relay }, context);
  if (own) await openTunnel(search.connection, context);
  return own;
}

/**
 * Forwards a local port to the server. ssh itself tries each port, so that no other program can take it in between.
 * @returns the record of the server, with the forward, and why each port before it could not be used
 * @throws Failure when no port is free, or the requested one is in use and ports are strict
 */
export async function forwardTo(
  server: JupyterRecord,
  relay: RelayPlace | undefined,
  search: PortSearch,
): Promise<{ readonly record: JoinedRecord; readonly taken: readonly string[] }> {
  const { spec, connection, context, forwards } = search;
  await leaveFormerConnection(search, server);
  const first = requestedPort(search, server.port || DEFAULT_PORT);
  const last = Math.min(65535, first + PORT_TRIES);
  const prepared = await search.prepared;
  const taken: string[] = [];
  for (let localPort = first; localPort <= last; localPort++) {
    const own = loopbackForward(localPort, serverTarget(server));
    const record = { spec, jupyter: server, forwards: { ...forwards, own }, relay };
    const isPrepared = prepared?.localPort === localPort && prepared.target === own.target;
    if (!isPrepared && (await isFree(localPort, search, prepared))) {
      await putRecord(record, context);
      await openTunnel(connection, context);
    }
    // A carrier may need longer than that.
    if (await isForwardBound(connection, own)) return { record, taken };
    const inUse = await portInUse(localPort, serverWith(localPort, search));
    if (spec.strictPort && spec.localPort !== undefined)
      throw new Failure(inUse, { remedy: 'Choose another port with --local-port, or omit --strict-port.' });
    taken.push(inUse);
  }
  throw new Failure(`no local port from ${first} to ${last} is free`, {
    remedy: 'Choose another port with --local-port.',
  });
}

/** With another -F, the server had another connection before, whose keeper holds its local port. */
async function leaveFormerConnection(
  { spec, before, connection, context }: PortSearch,
  jupyter: JupyterRecord,
): Promise<void> {
  const former = before && connectionOf(before.spec, context.env);
  if (!former || former.folder === connection.folder) return;
  await putRecord({ ...before, spec, jupyter }, context);
  await releaseTunnel(former, context);
}

/** Verifies that this user can listen on the requested port, which may be in use. @throws Failure */
export async function verifyRequestedPort(search: PortSearch): Promise<void> {
  await isPortFree(requestedPort(search, search.spec.port ?? DEFAULT_PORT));
}

/** Ports below 1024 are reserved for root: for 443, the local port is 8443. */
function requestedPort({ spec, forwards }: PortSearch, serverPort: number): number {
  const same = serverPort < 1024 ? serverPort + 8000 : serverPort;
  return spec.localPort ?? forwards.own?.localPort ?? same;
}

/** Whether the port is free, or our own keeper has it, which can lead it elsewhere. */
async function isFree(
  localPort: number,
  { forwards, connection }: PortSearch,
  prepared: Forward | undefined,
): Promise<boolean> {
  for (const own of [forwards.own, prepared]) {
    if (own?.localPort === localPort && (await isForwardBound(connection, own))) return true;
  }
  return isPortFree(localPort);
}

/** The other server that has this local port, if one of ours has. */
function serverWith(port: number, search: PortSearch): string | undefined {
  const other = Object.values(readRecords(search.context)).find(
    ({ spec, forwards }) =>
      spec.name !== search.spec.name && allForwards(forwards).some(({ localPort }) => localPort === port),
  );
  return other && `the server "${other.spec.name}"`;
}

function loopbackForward(localPort: number, target: string): Forward {
  return { bindAddress: LOOPBACK, localPort, target };
}
