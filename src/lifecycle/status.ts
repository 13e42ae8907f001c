import { HostFailure } from '../host/failures.ts';
import { lookAtServer } from '../host/servers.ts';
import { askDefaultKernel } from '../jupyter/default-kernel.ts';
import { askKernels, type KernelsFound } from '../jupyter/kernels.ts';
import { pageUrl } from '../jupyter/server.ts';
import { isoTime } from '../model/elapsed.ts';
import { pidOf } from '../model/identity.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { DefaultKernel, ServerStatus, TunnelState } from '../model/status.ts';
import { allForwards, type Connection, forwardSpec } from '../ssh/arguments.ts';
import { connectionFailure } from '../ssh/causes/failure.ts';
import { mainLine, type SshFailure } from '../ssh/causes/messages.ts';
import { type JupyterRecord, readRecords, type ServerRecord } from '../state/records.ts';
import { isServerLocked } from '../state/server-lock.ts';
import { type Context, endedBy, timeLimit } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { askKeeper, type KeeperState, keeperState } from '../tunnel/keeper.ts';
import { HangingSsh, verifyMaster } from '../tunnel/master.ts';
import { withdrawForward } from '../tunnel/tunnel.ts';
import { kernelDeaths } from './hosts.ts';
import { goneFailure, notListening, reachableApi } from './prove.ts';
import type { Started } from './start.ts';
import { describeJob, Queue, type QueueFindings } from './starting/queue.ts';

/** Timeout for the response of a server, and then for that of its host. */
const RESPONSE_TIMEOUT_MS = 3000;

/** Returns the statuses of all servers on record, or of one, with the deaths of their kernels. */
export async function statusOf(name: string | undefined, context: Context): Promise<ServerStatus[]> {
  const records = Object.values(readRecords(context));
  const requested = records.filter(({ spec }) => name === undefined || spec.name === name);
  const queue = new Queue(requested, context);
  // A far host takes several round trips for each of the two.
  const [deaths, ...statuses] = await Promise.all([
    kernelDeaths(requested, context),
    ...requested.map((record) => serverStatus(record, context, queue)),
  ]);
  return statuses.map((status) => {
    const { name, jupyter } = status;
    if (jupyter.state !== 'running') return status;
    return { ...status, jupyter: { ...jupyter, deaths: deaths.get(name) ?? null } };
  });
}

/** Returns the status of a server, checked live. Makes no new login. */
export async function serverStatus(
  record: ServerRecord,
  context: Context,
  queue: Queue = new Queue([record], context),
): Promise<ServerStatus> {
  // Another server may use the same connection.
  if (record.closed) return unaskedStatus(record);
  const connection = connectionOf(record.spec, context.env);
  const keeper = await stateNow(connection, context);
  if (keeper?.phase === 'failed') {
    const failure = await connectionFailure(connection, keeper.output ?? '', context);
    return describe(record, keeper, { state: 'unknown' }, failure);
  }
  const found = await findings(record, connection, keeper, queue, context);
  if (found.state !== 'stopped' && !found.isReplaced) return describe(record, keeper, found);
  await withdrawForward(record, context);
  return describe(record, await keeperState(connection), found);
}

/** The state of the keeper. While there is no connection, it is asked, since it writes its file only from time to time. */
async function stateNow(connection: Connection, context: Context): Promise<KeeperState | undefined> {
  const state = await keeperState(connection);
  if (!state || state.phase === 'connected') return state;
  const signal = AbortSignal.any([context.signal, timeLimit(RESPONSE_TIMEOUT_MS)]);
  // The user may just have come back online, so the keeper tries again at once.
  const request = { do: state.phase === 'reconnecting' ? 'hurry' : 'status' } as const;
  const now = await askKeeper(connection, request, { signal }).catch(() => undefined);
  if (context.signal.aborted) throw new Interrupted();
  return now ?? state;
}

/** Returns the status of a server without any check. */
export function unaskedStatus(record: ServerRecord): ServerStatus {
  return describe(record, undefined, { state: 'unknown' });
}

/** The results of the checks of a server. */
interface Findings extends Partial<KernelsFound>, QueueFindings {
  readonly remedy?: string | undefined;
  /** Whether the destination leads to another machine than the server's. */
  readonly isReplaced?: boolean;
  readonly kernel?: DefaultKernel | undefined;
  readonly keepsOutput?: boolean | undefined;
}

async function findings(
  record: ServerRecord,
  connection: Connection,
  keeper: KeeperState | undefined,
  queue: Queue,
  context: Context,
): Promise<Findings> {
  const { spec, jupyter: server } = record;
  if (!server && record.job && keeper?.phase === 'connected') return queue.findings(record.job, connection);
  if (!server && (await isServerLocked(spec.name, context))) return { state: 'starting' };
  if (!server || keeper?.phase !== 'connected') return { state: 'unknown' };
  const api = await reachableApi(record, context);
  const [kernels, kernel] = await Promise.all([
    api && askKernels(api, server.version, context.signal, RESPONSE_TIMEOUT_MS),
    api && askDefaultKernel(api, server, context.signal),
  ]);
  if (kernels) return { state: 'running', kernel, ...kernels };
  // The host knows whether the server has ended. If not, its process may be stopped or busy.
  const bounded = endedBy(timeLimit(RESPONSE_TIMEOUT_MS), context);
  const hanging = verifyMaster(connection, context).then(() => undefined, failureIn);
  try {
    const looked = await lookAtServer({ connection, spec, context: bounded }, server);
    if (!looked.lives)
      return { state: 'stopped', log: looked.log, ...(looked.why && { reason: looked.why }) };
    if (looked.holds === 'yes') return { state: 'unknown' };
    const { message: reason, remedy } = notListening(spec, server, looked);
    return { state: 'unknown', reason, remedy };
  } catch (error) {
    if (context.signal.aborted) throw new Interrupted();
    if (!(error instanceof Failure)) throw error;
    const failure = (await hanging) ?? (error instanceof HostFailure ? error : unconfirmed(spec, server));
    const isReplaced = failure instanceof HostFailure && failure.reason === 'replaced';
    return {
      state: 'unknown',
      isReplaced,
      ...(failure && { reason: failure.message, remedy: failure.remedy }),
    };
  }
}

/** Without an answer of the host, nobody knows who listens on a port. */
function unconfirmed({ destination }: ServerSpec, { socket, port }: JupyterRecord): Failure | undefined {
  if (socket !== undefined) return undefined;
  return new Failure(`could not confirm that port ${port} of ${destination} still belongs to the server`);
}

function failureIn(error: unknown): Failure | undefined {
  return error instanceof HangingSsh ? error : undefined;
}

/** Returns the status of a server that has just responded, without asking it again. */
export async function describeStarted(
  { record, kernel, keepsOutput }: Pick<Started, 'record' | 'kernel' | 'keepsOutput'>,
  context: Context,
): Promise<ServerStatus> {
  const keeper = await keeperState(connectionOf(record.spec, context.env));
  return describe(record, keeper, { state: 'running', kernel, keepsOutput });
}

/** @param failure of the connection, if its keeper has given up */
function describe(
  record: ServerRecord,
  keeper: KeeperState | undefined,
  found: Findings,
  failure?: SshFailure,
): ServerStatus {
  const { spec, jupyter: server } = record;
  const forward = record.forwards.own;
  const connected = keeper?.phase === 'connected';
  const isReachable = server && forward && connected && keeper.up.includes(forwardSpec(forward));
  const isDegraded = connected && (found.state === 'stopped' || found.reason || (server && !isReachable));
  const tunnel = describeTunnel(record, keeper, failure);
  return {
    state: isDegraded ? 'degraded' : tunnel.state,
    name: spec.name,
    destination: spec.destination,
    directory: server?.directory ?? spec.directory,
    url: isReachable ? pageUrl(forward.localPort, server) : null,
    jupyter: describeServer(record, found),
    tunnel,
    job: describeJob(record, found),
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
    kernel: found.kernel ?? null,
    keepsOutput: found.keepsOutput ?? null,
    roundTripMs: found.roundTripMs ?? null,
    reason: [found.reason, found.remedy].filter(Boolean).join('. ') || null,
    kernels: found.kernels ?? null,
    deaths: null,
    log: found.log ?? [],
    adopted: server?.adopted ?? false,
  };
}

function describeTunnel(
  record: ServerRecord,
  keeper: KeeperState | undefined,
  failure: SshFailure | undefined,
): ServerStatus['tunnel'] {
  const { forwards, closed, jupyter, relay } = record;
  const phase = keeper?.phase ?? 'closed';
  const state: TunnelState = phase === 'connecting' ? 'reconnecting' : phase;
  const connected = phase === 'connected';
  const specs = allForwards(forwards).map(forwardSpec);
  return {
    state,
    wanted: !closed,
    pid: (connected && keeper?.ssh?.pid) || null,
    localPort: forwards.own?.localPort ?? null,
    since: isoTime(keeper?.since),
    forwards: specs,
    down: specs.filter((spec) => connected && keeper?.down.includes(spec)),
    tries: state === 'reconnecting' ? (keeper?.tries ?? null) : null,
    nextTryAt: state === 'reconnecting' ? isoTime(keeper?.nextTryAt) : null,
    resumes: jupyter ? relay !== undefined : null,
    buffered: keeper && !connected ? keeper.buffered : null,
    reason: failure?.line ?? (keeper?.output ? mainLine(keeper.output) : null),
    remedy: failure?.remedy ?? null,
  };
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
  const { name, url, jupyter: server } = status;
  if (server.state === 'stopped') throw goneFailure(record.spec);
  if (server.reason !== null) throw new Failure(server.reason);
  if (url === null) {
    throw new Failure(`there is no tunnel to "${name}" at the moment`, {
      remedy: `Reconnect with: remote-notebook start ${name}`,
    });
  }
  if (server.state === 'unknown')
    context.report.note(`"${name}" is not responding: its host may be very busy, or its process stopped`);
  return status;
}
