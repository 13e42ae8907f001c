import { HostFailure } from '../host/failures.ts';
import { lookAtServer } from '../host/servers.ts';
import { askKernels, type KernelsFound } from '../jupyter/kernels.ts';
import { pageUrl } from '../jupyter/server.ts';
import { pidOf } from '../model/identity.ts';
import type { ServerState, ServerStatus, TunnelState } from '../model/status.ts';
import { type Connection, forwardSpec } from '../ssh/arguments.ts';
import { allForwards, isServerLocked, readRecords, type ServerRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { sendSignal } from '../system/process.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { type KeeperState, keeperState } from '../tunnel/keeper.ts';
import { reachableApi } from './prove.ts';

/** Timeout for the response of a server, and then for that of its host. */
const RESPONSE_TIMEOUT_MS = 3000;

/** Returns the statuses of all servers on record, or of one. */
export function statusOf(name: string | undefined, context: Context): Promise<ServerStatus[]> {
  const records = Object.values(readRecords(context));
  const requested = records.filter(({ spec }) => name === undefined || spec.name === name);
  return Promise.all(requested.map((record) => serverStatus(record, context)));
}

/** Returns the status of a server, checked live. Makes no new login. */
export async function serverStatus(record: ServerRecord, context: Context): Promise<ServerStatus> {
  // Another server may use the same connection.
  if (record.closed) return unaskedStatus(record);
  const connection = connectionOf(record.spec, context.env);
  const keeper = await keeperState(connection);
  // The user may just have come back online, so the keeper tries again at once.
  if (keeper?.phase === 'reconnecting' && keeper.keeper) await sendSignal(keeper.keeper, 'SIGUSR1');
  return describe(record, keeper, await findings(record, connection, keeper, context));
}

/** Returns the status of a server without any check. */
export function unaskedStatus(record: ServerRecord): ServerStatus {
  return describe(record, undefined, { state: 'unknown' });
}

/** The results of the checks of a server. */
interface Findings extends Partial<KernelsFound> {
  readonly state: ServerState;
  /** Why the state is unknown. */
  readonly reason?: string;
  /** The last lines of its log, if it has ended. */
  readonly log?: readonly string[];
}

async function findings(
  record: ServerRecord,
  connection: Connection,
  keeper: KeeperState | undefined,
  context: Context,
): Promise<Findings> {
  const { spec, jupyter: server } = record;
  if (!server && (await isServerLocked(spec.name, context))) return { state: 'starting' };
  if (!server || keeper?.phase !== 'connected') return { state: 'unknown' };
  const api = await reachableApi(record, context);
  const kernels = api && (await askKernels(api, server.version, context.signal, RESPONSE_TIMEOUT_MS));
  if (kernels) return { state: 'running', ...kernels };
  // The host knows whether the server has ended. If not, its process may be stopped or busy.
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(RESPONSE_TIMEOUT_MS)]);
  try {
    const { lives, log } = await lookAtServer({ connection, spec, context: { ...context, signal } }, server);
    return lives ? { state: 'unknown' } : { state: 'stopped', log };
  } catch (error) {
    if (context.signal.aborted) throw new Interrupted();
    if (!(error instanceof Failure)) throw error;
    return { state: 'unknown', ...(error instanceof HostFailure ? { reason: error.message } : {}) };
  }
}

/** Returns the status of a server that has just responded, without asking it again. */
export async function describeStarted(record: ServerRecord, context: Context): Promise<ServerStatus> {
  const keeper = await keeperState(connectionOf(record.spec, context.env));
  return describe(record, keeper, { state: 'running' });
}

function describe(record: ServerRecord, keeper: KeeperState | undefined, found: Findings): ServerStatus {
  const { spec, jupyter: server } = record;
  const forward = record.forwards.own;
  const connected = keeper?.phase === 'connected';
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

function describeTunnel(record: ServerRecord, keeper: KeeperState | undefined): ServerStatus['tunnel'] {
  const { forwards, closed } = record;
  const phase = keeper?.phase ?? 'closed';
  const state: TunnelState = phase === 'connecting' ? 'reconnecting' : phase;
  const connected = phase === 'connected';
  const specs = allForwards(forwards).map(forwardSpec);
  return {
    state,
    wanted: !closed,
    pid: (connected && keeper?.ssh?.pid) || null,
    localPort: forwards.own?.localPort ?? null,
    since: connected ? isoTime(keeper?.since) : null,
    forwards: specs,
    down: specs.filter((spec) => connected && keeper?.down.includes(spec)),
    tries: state === 'reconnecting' ? (keeper?.tries ?? null) : null,
    nextTryAt: state === 'reconnecting' ? isoTime(keeper?.nextTry) : null,
    reason: keeper?.message ?? null,
  };
}

function isoTime(seconds: number | undefined): string | null {
  return seconds === undefined ? null : new Date(seconds * 1000).toISOString();
}

/** Whether the server works, or its tunnel was closed on purpose. */
export function isHealthy({ state, tunnel }: ServerStatus): boolean {
  return state === 'connected' || !tunnel.wanted;
}

/**
 * Returns the status of a server that has responded through its tunnel, or, with a note, one that is only running.
 * @throws Failure when there is no tunnel, or the server has ended or is on another node
 */
export async function answeringStatus(record: ServerRecord, context: Context): Promise<ServerStatus> {
  const status = await serverStatus(record, context);
  const { name, destination, url, jupyter: server } = status;
  if (url === null) {
    throw new Failure(`there is no tunnel to "${name}" now`, {
      remedy: `Reconnect with: remote-notebook start ${name}`,
    });
  }
  if (server.reason !== null) throw new Failure(server.reason);
  if (server.state === 'stopped') {
    throw new Failure(`the server of "${name}" on ${destination} is gone`, {
      remedy: `Start it again: remote-notebook start ${name} (remote-notebook status ${name} shows the end of its log)`,
    });
  }
  if (server.state === 'unknown')
    context.report.note(`"${name}" is not responding: its host may be very busy, or its process stopped`);
  return status;
}
