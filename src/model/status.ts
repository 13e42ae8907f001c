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

/** The kernel of new notebooks, and the Python in which it runs their cells. */
export interface DefaultKernel {
  /** Its kernel spec, such as python3 or ir. */
  readonly name: string;
  readonly installed: boolean;
  /** The path of its Python; null if it is unknown, or another language. */
  readonly python: string | null;
  /** Whether that is in the environment that was requested, or found in the directory. Null without one. */
  readonly inEnvironment: boolean | null;
}

/** How often a kernel died without a request. Its variables were lost each time. */
export interface KernelDeaths {
  /** Null if it is not known which kernel it was. */
  readonly id: string | null;
  readonly count: number;
  /** The last time, ISO 8601. */
  readonly lastAt: string;
  /** `out of memory`, `segmentation fault` …; null if the host does not show it. */
  readonly reason: string | null;
  /** Whether Jupyter started it again. It gives up after five times in a row. */
  readonly restarted: boolean;
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
    /** Null if it is unknown. */
    readonly kernel: DefaultKernel | null;
    /** Whether it keeps what a cell prints while no page is open. Null if not requested, or unknown. */
    readonly keepsOutput: boolean | null;
    /** Of a request through the tunnel. */
    readonly roundTripMs: number | null;
    /** Why its state is unknown. */
    readonly reason: string | null;
    /** Null if they were not requested, or not reported. */
    readonly kernels: readonly Kernel[] | null;
    /** The kernels that died, the last first. Null if not requested, or not known. */
    readonly deaths: readonly KernelDeaths[] | null;
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
    /** Since when it is connected, or is not; ISO 8601. */
    readonly since: string | null;
    readonly forwards: readonly string[];
    /** The forwards whose local port is in use by another program. */
    readonly down: readonly string[];
    /** While it reconnects: the number of the login in progress since `since`, or else of the next one. */
    readonly tries: number | null;
    /** When the next login begins, ISO 8601; null if one is in progress, or none is planned. */
    readonly nextTryAt: string | null;
    /**
     * Whether open connections survive the loss of ssh, which needs a relay on the host. Null if that is not known, and for
     * servers that were started with --plain.
     */
    readonly resumes: boolean | null;
    /**
     * While it is not connected: number of bytes that programs on this machine have written, and that the keeper will send
     * to the host, for all servers on the same connection. Null if it is connected or closed.
     */
    readonly buffered: number | null;
    /** The last message of ssh or of the host, while the tunnel is not connected. */
    readonly reason: string | null;
    /** What the user can do about it, if the tunnel has failed. */
    readonly remedy: string | null;
  };
  /** Its job; null if it is a process of its host. */
  readonly job: ServerJob | null;
  /** Null if not requested, or without a connection. */
  readonly resources: HostResources | null;
}

/** The batch job of a server. */
export interface ServerJob {
  /** The name of its launcher. */
  readonly scheduler: string;
  readonly id: string;
  /** `ending` if it has ended and still has its node. Null if it is unknown. */
  readonly state: 'queued' | 'running' | 'ending' | 'over' | null;
  /** The scheduler's own word for why it waits or has ended. */
  readonly reason: string | null;
  readonly node: string | null;
  /** ISO 8601. */
  readonly expectedStart: string | null;
  readonly endsAt: string | null;
  /** What was requested for it. Null for what is left to the cluster. */
  readonly resources: Readonly<
    Record<'time' | 'cpus' | 'memory' | 'gpus' | 'partition' | 'account', string | number | null>
  >;
}

/** How a server ended: by a shutdown request, by TERM, by KILL, with its job, or it had already ended. */
export type StopOutcome = 'shutdown' | 'terminated' | 'killed' | 'cancelled' | 'gone';
