import type { HostResources } from './resources.ts';

/** `queued` is a job that waits for its turn, and `starting` a server that is not up yet. */
export type ServerState = 'running' | 'queued' | 'starting' | 'stopped' | 'unknown';
export type TunnelState = 'connected' | 'reconnecting' | 'needs-login' | 'failed' | 'closed';

/** A kernel as its server tells it. */
export interface Kernel {
  readonly id: string;
  /** The path of its notebook, as the server names it; null for one that was started without. */
  readonly notebook: string | null;
  /** Its kind: python3, ir. */
  readonly name: string;
  /** `idle`, `busy`, `starting` and more: Jupyter's own words. */
  readonly state: string;
  /** ISO 8601. */
  readonly lastActivity: string;
}

/** One server as the world has it, which is also what `--json` prints. Later versions add fields; none is renamed. */
export interface ServerStatus {
  /** All in one word: the tunnel's state, or `degraded` when it is up and the server behind it is not. */
  readonly state: TunnelState | 'degraded';
  readonly name: string;
  readonly destination: string;
  readonly directory: string;
  /** Without the token. Null while no tunnel leads to the server. */
  readonly url: string | null;
  readonly jupyter: {
    readonly state: ServerState;
    readonly pid: number | null;
    readonly port: number | null;
    readonly socket: string | null;
    readonly version: string | null;
    readonly command: string | null;
    readonly startedAt: string | null;
    /** From a request through the tunnel to its answer. */
    readonly roundTripMs: number | null;
    /** Why its state is unknown, where that is known. */
    readonly reason: string | null;
    /** Null where they were not asked for, or not told. */
    readonly kernels: readonly Kernel[] | null;
    /** The last lines of its log, when it is gone. */
    readonly log: readonly string[];
    /** Whether something else than this program has started it. */
    readonly adopted: boolean;
  };
  readonly tunnel: {
    readonly state: TunnelState;
    /** Whether it is to be up. After `stop --keep-server` it is not, and `closed` is as it should be. */
    readonly wanted: boolean;
    /** The PID of ssh. */
    readonly pid: number | null;
    readonly localPort: number | null;
    readonly since: string | null;
    readonly forwards: readonly string[];
    /** Those of them whose port of this machine could not be had. */
    readonly down: readonly string[];
    /** Which try is next while it reconnects, and when. */
    readonly tries: number | null;
    readonly nextTryAt: string | null;
    /** What ssh said last, while the tunnel is not as it should be. */
    readonly reason: string | null;
  };
  /** How much of its host is in use. Null unless it was asked for, and there is a connection to ask over. */
  readonly resources: HostResources | null;
}

/** How a server ended: it was asked to, TERM or KILL did it, or it was gone already. */
export type StopOutcome = 'shutdown' | 'terminated' | 'killed' | 'gone';
