import type { HostResources } from './resources.ts';

/** `queued` is a job that the scheduler has not started yet, and `starting` a server that is not ready yet. */
export type ServerState = 'running' | 'queued' | 'starting' | 'stopped' | 'unknown';
export type TunnelState = 'connected' | 'reconnecting' | 'needs-login' | 'failed' | 'closed';

/** A kernel as its server reports it. */
export interface Kernel {
  readonly id: string;
  /** The path of its notebook; null if it has none. */
  readonly notebook: string | null;
  /** Its kernel spec, such as python3 or ir. */
  readonly name: string;
  /** Jupyter's own value: `idle`, `busy`, `starting` and others. */
  readonly state: string;
  /** ISO 8601. */
  readonly lastActivity: string;
}

/** The checked state of a server, as `--json` prints it. Later versions add fields; none is renamed. */
export interface ServerStatus {
  /** The tunnel's state, or `degraded` if the tunnel is connected and the server is not running. */
  readonly state: TunnelState | 'degraded';
  readonly name: string;
  readonly destination: string;
  readonly directory: string;
  /** Without the token. Null without a tunnel. */
  readonly url: string | null;
  readonly jupyter: {
    readonly state: ServerState;
    readonly pid: number | null;
    readonly port: number | null;
    readonly socket: string | null;
    readonly version: string | null;
    readonly command: string | null;
    readonly startedAt: string | null;
    /** Of a request through the tunnel. */
    readonly roundTripMs: number | null;
    /** Why its state is unknown. */
    readonly reason: string | null;
    /** Null if they were not requested, or not reported. */
    readonly kernels: readonly Kernel[] | null;
    /** The last lines of its log, if it is not running. */
    readonly log: readonly string[];
    /** Whether another program started it. */
    readonly adopted: boolean;
  };
  readonly tunnel: {
    readonly state: TunnelState;
    /** Whether the user wants the tunnel. False after `stop --keep-server`. */
    readonly wanted: boolean;
    /** The PID of ssh. */
    readonly pid: number | null;
    readonly localPort: number | null;
    readonly since: string | null;
    readonly forwards: readonly string[];
    /** The forwards whose local port is in use by another program. */
    readonly down: readonly string[];
    /** While it reconnects: the number and the time of the next try. */
    readonly tries: number | null;
    readonly nextTryAt: string | null;
    /** ssh's last message, while the tunnel is not connected. */
    readonly reason: string | null;
  };
  /** Null if not requested, or without a connection. */
  readonly resources: HostResources | null;
}

/** How a server ended: it was asked to, TERM or KILL did it, or it was gone already. */
export type StopOutcome = 'shutdown' | 'terminated' | 'killed' | 'gone';
