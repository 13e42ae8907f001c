import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection, Forward } from '../ssh/arguments.ts';
import {
  allForwards,
  type Forwards,
  type JoinedRecord,
  type JupyterRecord,
  putRecord,
  readRecords,
} from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { isPortFree, LOOPBACK, portHolder } from '../system/port.ts';
import { isForwardUp, openTunnel } from './tunnel.ts';

/** Maximum number of ports after the requested one that are tried. */
const PORT_TRIES = 50;

/** A start that needs a local port. */
export interface PortSearch {
  readonly spec: ServerSpec;
  readonly connection: Connection;
  readonly context: Context;
  /** The forwards before this start. The server keeps its local port, because bookmarks point to it. */
  readonly forwards: Forwards;
  /** Whether the host is this very machine: then Jupyter and the forward share its ports. */
  hostIsHere: boolean;
  /** The forward that was set up while Jupyter boots. */
  prepared?: Promise<Forward | undefined>;
}

/**
 * Sets up the most probable forward while Jupyter boots, and returns it. Records the server even without a forward: from
 * now on, `stop` can find it on the host.
 */
export async function prepareForward(search: PortSearch): Promise<Forward | undefined> {
  const { spec, context, forwards, hostIsHere } = search;
  const requested = requestedPort(search, spec.port);
  // Jupyter itself is about to take its port on this machine.
  const isJupyters = hostIsHere && requested === spec.port && spec.port < 65535;
  const guess = loopbackForward(isJupyters ? requested + 1 : requested, `${LOOPBACK}:${spec.port}`);
  // Only the host knows the path of a socket.
  const own = !spec.socket && (await isFree(guess.localPort, search, undefined)) ? guess : undefined;
  const record = { spec, jupyter: undefined, forwards: { ...forwards, own } };
  await putRecord(record, context);
  if (own) await openTunnel(search.connection, context);
  return own;
}

/**
 * Forwards a local port to the server. ssh itself tries each port, so that no other program can take it in between.
 * @returns the record of the server, with the forward
 * @throws Failure when no port is free, or the requested one is in use and ports are strict
 */
export async function forwardTo(server: JupyterRecord, search: PortSearch): Promise<JoinedRecord> {
  const { spec, connection, context, forwards } = search;
  const first = requestedPort(search, server.port || spec.port);
  const last = Math.min(65535, first + PORT_TRIES);
  const prepared = await search.prepared;
  for (let localPort = first; localPort <= last; localPort++) {
    const own = loopbackForward(localPort, serverTarget(server));
    const record = { spec, jupyter: server, forwards: { ...forwards, own } };
    const isPrepared = prepared?.localPort === localPort && prepared.target === own.target;
    if (!isPrepared && (await isFree(localPort, search, prepared))) {
      await putRecord(record, context);
      await openTunnel(connection, context);
    }
    if (await isForwardUp(connection, own)) return record;
    const inUse = portInUse(localPort, await holderOf(localPort, server, search));
    if (spec.strictPort)
      throw new Failure(inUse, { remedy: 'Choose another port with --local-port, or omit --strict-port.' });
    context.report.note(`${inUse}; trying the next one`);
  }
  throw new Failure(`no local port from ${first} to ${last} is free`, {
    remedy: 'Choose another port with --local-port.',
  });
}

function requestedPort({ spec, forwards }: PortSearch, serverPort: number): number {
  return spec.localPort ?? forwards.own?.localPort ?? serverPort;
}

/** Whether the port is free, or our own ssh has it, which can give it up. */
async function isFree(
  localPort: number,
  { forwards, connection }: PortSearch,
  prepared: Forward | undefined,
): Promise<boolean> {
  for (const own of [forwards.own, prepared]) {
    if (own?.localPort === localPort && (await isForwardUp(connection, own))) return true;
  }
  return isPortFree(localPort);
}

async function holderOf(
  port: number,
  server: JupyterRecord,
  search: PortSearch,
): Promise<string | undefined> {
  const other = Object.values(readRecords(search.context)).find(
    ({ spec, forwards }) =>
      spec.name !== search.spec.name && allForwards(forwards).some(({ localPort }) => localPort === port),
  );
  if (other) return `the server "${other.spec.name}"`;
  const isItself = search.hostIsHere && port === server.port;
  return isItself ? 'the server itself, whose host is this machine' : portHolder(port);
}

/** The message about a local port that cannot be bound. @param holder the program that has it, if known */
export function portInUse(port: number, holder: string | undefined): string {
  return `local port ${port} is already in use${holder ? ` by ${holder}` : ''}`;
}

/** The address or socket where a server listens, as its host sees it. */
export function serverTarget(server: Pick<JupyterRecord, 'socket' | 'host' | 'port'>): string {
  return server.socket ?? `${server.host ?? LOOPBACK}:${server.port}`;
}

function loopbackForward(localPort: number, target: string): Forward {
  return { bindAddress: LOOPBACK, localPort, target };
}
