import { proveServer } from '../jupyter/api.ts';
import { pageUrl } from '../jupyter/server.ts';
import { type Connection, type Forward, forwardSpec } from '../ssh/arguments.ts';
import { type KeeperState, keeperState } from '../ssh/keeper.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { isAlive } from '../system/process.ts';
import { findServer } from './host.ts';
import { apiOf } from './start.ts';
import type { NotebookRecord, ServerRecord } from './state.ts';
import { connectionOf } from './tunnel.ts';

type ServerState = 'running' | 'stopped' | 'unknown';
type TunnelState = 'connected' | 'reconnecting' | 'needs-login' | 'failed' | 'closed';

/** What `--json` prints of a notebook. Later versions add fields; none is renamed. */
export interface NotebookStatus {
  readonly name: string;
  readonly destination: string;
  readonly directory: string;
  /** Without the token. Null while no tunnel leads to the server. */
  readonly url: string | null;
  readonly server: {
    readonly state: ServerState;
    readonly pid: number | null;
    readonly port: number | null;
    readonly socket: string | null;
    readonly version: string | null;
    readonly command: string | null;
    readonly startedAt: string | null;
  };
  readonly tunnel: {
    readonly state: TunnelState;
    /** The PID of ssh. */
    readonly pid: number | null;
    readonly localPort: number | null;
    readonly since: string | null;
    readonly forwards: readonly string[];
    /** What ssh said last, while the tunnel is not as it should be. */
    readonly reason: string | null;
  };
}

/** How long a server may take to answer before its host is asked about it. */
const ANSWER_TIMEOUT_MS = 3000;

/** Asks the world, not the memory, about one notebook. No new login is made. */
export async function notebookStatus(record: NotebookRecord, context: Context): Promise<NotebookStatus> {
  if (record.plain) return plainStatus(record);
  const connection = connectionOf(record.notebook, context.env);
  const keeper = await keeperState(connection);
  return describe(record, keeper, await findings(record, connection, keeper, context));
}

/** What was found out about a server. */
interface Findings {
  readonly state: ServerState;
  /** As its API tells it. */
  readonly version?: string | undefined;
}

async function findings(
  record: NotebookRecord,
  connection: Connection,
  keeper: KeeperState | undefined,
  context: Context,
): Promise<Findings> {
  const { server } = record;
  const forward = record.forwards[0];
  if (!server || keeper?.word !== 'connected') return { state: 'unknown' };
  if (forward && keeper.up.includes(forwardSpec(forward))) {
    const proof = await proveServer(apiOf(server, forward), context.signal, ANSWER_TIMEOUT_MS);
    if (proof.state === 'ours') return { state: 'running', version: proof.version };
  }
  return { state: await stateOnHost(record, server, connection, context) };
}

/** The host knows whether a server that does not answer is gone. */
async function stateOnHost(
  { notebook }: NotebookRecord,
  server: ServerRecord,
  connection: Connection,
  context: Context,
): Promise<ServerState> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  try {
    const found = await findServer(connection, notebook, { ...context, signal });
    // A process that is there and does not answer may be stopped, swapped out, or busy starting.
    return found?.info.pid === server.pid && found.began === server.began ? 'unknown' : 'stopped';
  } catch (error) {
    if (context.signal.aborted) throw new Interrupted();
    if (error instanceof Failure) return 'unknown';
    throw error;
  }
}

/** The status of a notebook whose server has just been proven: it is not asked again. */
export async function describeStarted(record: NotebookRecord, context: Context): Promise<NotebookStatus> {
  return describe(record, await keeperState(connectionOf(record.notebook, context.env)), {
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

function describe(
  { notebook, server, forwards }: NotebookRecord,
  keeper: KeeperState | undefined,
  { state, version }: Findings,
): NotebookStatus {
  const forward: Forward | undefined = forwards[0];
  const connected = keeper?.word === 'connected';
  return {
    name: notebook.name,
    destination: notebook.destination,
    directory: server?.directory ?? notebook.directory,
    url: server && forward && connected ? pageUrl(forward.localPort, server) : null,
    server: {
      state,
      pid: server?.pid ?? null,
      port: server?.port || null,
      socket: server?.socket ?? null,
      version: version ?? server?.version ?? null,
      command: server?.command ?? null,
      startedAt: server?.startedAt ?? null,
    },
    tunnel: {
      state: keeper ? TUNNEL_STATES[keeper.word] : 'closed',
      pid: (connected && keeper.ssh?.pid) || null,
      localPort: forward?.localPort ?? null,
      since: connected && keeper.since ? new Date(keeper.since * 1000).toISOString() : null,
      forwards: forwards.map(forwardSpec),
      reason: keeper?.said ?? null,
    },
  };
}

/** A notebook of the article's own commands: all that is known is its tunnel's process. */
async function plainStatus(record: NotebookRecord): Promise<NotebookStatus> {
  const tunnel = record.plain?.tunnel;
  const lives = tunnel !== undefined && (await isAlive(tunnel));
  const status = describe(record, undefined, { state: 'unknown' });
  return {
    ...status,
    server: { ...status.server, port: record.notebook.port, command: 'jupyter notebook' },
    tunnel: { ...status.tunnel, state: lives ? 'connected' : 'closed', pid: lives ? tunnel.pid : null },
  };
}

/** Whether everything of this notebook is as it should be. */
export function isHealthy({ server, tunnel }: NotebookStatus): boolean {
  return tunnel.state === 'connected' && server.state !== 'stopped';
}
