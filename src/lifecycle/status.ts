import { HostFailure } from '../host/failures.ts';
import { lookAtServer } from '../host/servers.ts';
import { askKernels, type KernelsFound } from '../jupyter/kernels.ts';
import { pageUrl } from '../jupyter/server.ts';
import { pidOf } from '../model/identity.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { ServerState, ServerStatus, TunnelState } from '../model/status.ts';
import { type Connection, forwardSpec } from '../ssh/arguments.ts';
import {
  allForwards,
  isServerLocked,
  type JupyterRecord,
  readRecords,
  type ServerRecord,
} from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { sendSignal } from '../system/process.ts';
import { type KeeperState, keeperState } from '../tunnel/keeper.ts';
import { connectionOf } from '../tunnel/tunnel.ts';
import { reachableApi } from './prove.ts';

/** How long a server may take to answer before its host is asked about it. */
const ANSWER_TIMEOUT_MS = 3000;

/** All servers on record, or the one that is named; they are asked at the same time. */
export function statusOf(name: string | undefined, context: Context): Promise<ServerStatus[]> {
  const records = Object.values(readRecords(context));
  const meant = records.filter(({ spec }) => name === undefined || spec.name === name);
  return Promise.all(meant.map((record) => serverStatus(record, context)));
}

/** Asks the world, not the memory, about one server. No new login is made. */
export async function serverStatus(record: ServerRecord, context: Context): Promise<ServerStatus> {
  // Its connection may be up all the same, for another server.
  if (record.closed) return unaskedStatus(record);
  const connection = connectionOf(record.spec, context.env);
  const keeper = await keeperState(connection);
  // Whoever asks has the network back, perhaps: the keeper need not sit out its pause.
  if (keeper?.word === 'reconnecting' && keeper.keeper) await sendSignal(keeper.keeper, 'SIGUSR1');
  return describe(record, keeper, await findings(record, connection, keeper, context));
}

/** The status of a server of which nothing is asked. */
export function unaskedStatus(record: ServerRecord): ServerStatus {
  return describe(record, undefined, { state: 'unknown' });
}

/** What was found out about a server. */
interface Findings extends Partial<KernelsFound> {
  readonly state: ServerState;
  /** Why nobody can tell. */
  readonly reason?: string;
  /** The last lines of its log, if it is gone. */
  readonly log?: readonly string[];
}

async function findings(
  record: ServerRecord,
  connection: Connection,
  keeper: KeeperState | undefined,
  context: Context,
): Promise<Findings> {
  const { jupyter: server } = record;
  if (!server && (await isServerLocked(record.spec.name, context))) return { state: 'starting' };
  if (!server || keeper?.word !== 'connected') return { state: 'unknown' };
  const api = await reachableApi(record, context);
  const told = api && (await askKernels(api, server.version, context.signal, ANSWER_TIMEOUT_MS));
  return told ? { state: 'running', ...told } : findingsOnHost(record.spec, server, connection, context);
}

/** The host knows whether a server that does not answer is gone; one that is there may be stopped or busy. */
async function findingsOnHost(
  spec: ServerSpec,
  server: JupyterRecord,
  connection: Connection,
  context: Context,
): Promise<Findings> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  try {
    const { lives, log } = await lookAtServer({ connection, spec, context: { ...context, signal } }, server);
    return lives ? { state: 'unknown' } : { state: 'stopped', log };
  } catch (error) {
    if (context.signal.aborted) throw new Interrupted();
    if (error instanceof HostFailure) return { state: 'unknown', reason: error.message };
    if (error instanceof Failure) return { state: 'unknown' };
    throw error;
  }
}

/** The status of a server that has just been proven: it is not asked again. */
export async function describeStarted(record: ServerRecord, context: Context): Promise<ServerStatus> {
  return describe(record, await keeperState(connectionOf(record.spec, context.env)), {
    state: 'running',
  });
}

const TUNNEL_STATES: Readonly<Record<KeeperState['word'], TunnelState>> = {
  connecting: 'reconnecting',
  connected: 'connected',
  reconnecting: 'reconnecting',
  'needs-login': 'needs-login',
  failed: 'failed',
};

function describe(record: ServerRecord, keeper: KeeperState | undefined, found: Findings): ServerStatus {
  const { spec, jupyter: server } = record;
  const forward = record.forwards.own;
  const connected = keeper?.word === 'connected';
  const isReachable = server && forward && connected && keeper.up.includes(forwardSpec(forward));
  const isDegraded = connected && (found.state === 'stopped' || found.reason || (server && !isReachable));
  const tunnel = describeTunnel(record, keeper);
  return {
    state: isDegraded ? 'degraded' : tunnel.state,
    name: spec.name,
    destination: spec.destination,
    directory: server?.directory ?? spec.directory,
    url: isReachable ? pageUrl(forward.localPort, server) : null,
    jupyter: describeServer(record, found),
    tunnel,
    resources: null,
  };
}

function describeServer({ jupyter: server }: ServerRecord, found: Findings): ServerStatus['jupyter'] {
  return {
    state: found.state,
    pid: server ? pidOf(server.identity) : null,
    port: server?.port || null,
    socket: server?.socket ?? null,
    version: found.version ?? server?.version ?? null,
    command: server?.command ?? null,
    startedAt: server?.startedAt ?? null,
    roundTripMs: found.roundTripMs ?? null,
    reason: found.reason ?? null,
    kernels: found.kernels ?? null,
    log: found.log ?? [],
    adopted: server?.adopted ?? false,
  };
}

function describeTunnel(
  { forwards, closed }: ServerRecord,
  keeper: KeeperState | undefined,
): ServerStatus['tunnel'] {
  const state = keeper ? TUNNEL_STATES[keeper.word] : 'closed';
  const connected = keeper?.word === 'connected';
  const specs = allForwards(forwards).map(forwardSpec);
  return {
    state,
    wanted: !closed,
    pid: (connected && keeper.ssh?.pid) || null,
    localPort: forwards.own?.localPort ?? null,
    since: connected ? isoTime(keeper.since) : null,
    forwards: specs,
    down: specs.filter((spec) => connected && keeper.down.includes(spec)),
    tries: state === 'reconnecting' ? (keeper?.tries ?? null) : null,
    nextTryAt: state === 'reconnecting' ? isoTime(keeper?.nextTry) : null,
    reason: keeper?.said ?? null,
  };
}

function isoTime(seconds: number | undefined): string | null {
  return seconds === undefined ? null : new Date(seconds * 1000).toISOString();
}

/** Whether everything of this server is as it should be. */
export function isHealthy({ state, tunnel }: ServerStatus): boolean {
  return state === 'connected' || !tunnel.wanted;
}

/**
 * The status of a server that can be used: it has answered through its tunnel, or lives at least, which is
 * noted.
 * @throws Failure that says what is in the way: no tunnel, a server that is gone, or on another node
 */
export async function answeringStatus(record: ServerRecord, context: Context): Promise<ServerStatus> {
  const status = await serverStatus(record, context);
  const { name, destination, url, jupyter: server } = status;
  if (url === null) {
    throw new Failure(`no tunnel leads to "${name}" now`, { remedy: `Try: remote-notebook start ${name}` });
  }
  if (server.reason !== null) throw new Failure(server.reason);
  if (server.state === 'stopped') {
    throw new Failure(`the server of "${name}" on ${destination} is gone`, {
      remedy: `Start it again: remote-notebook start ${name} (remote-notebook status ${name} shows the end of its log)`,
    });
  }
  if (server.state === 'unknown')
    context.report.note(`"${name}" does not answer just now: is its host very busy, or the server stopped?`);
  return status;
}
