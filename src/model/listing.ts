/** A Jupyter server of the user on a host, as `status --all --json` prints it, without its token. */
export interface ListedServer {
  readonly pid: number;
  /** Null when it listens on a socket, or when the port is unknown. */
  readonly port: number | null;
  readonly socket: string | null;
  /** That of jupyter_server, whatever its interface. Null for notebook 6, whose runtime file does not contain it. */
  readonly version: string | null;
  readonly command: string | null;
  readonly directory: string | null;
  readonly startedAt: string | null;
  /** Whether this program started it, from any machine. */
  readonly startedBy: 'remote-notebook' | 'other';
  /** The machine from which this program started it, if known. */
  readonly startedFrom: string | null;
  /** Its names on the host. */
  readonly names: readonly string[];
  /** Whether it accepts only a password: then no request can be sent to it from here. */
  readonly passwordOnly: boolean;
}

/** All Jupyter servers of the user on a host, and their files. */
export interface HostListing {
  readonly destination: string;
  /** The host name that the host reports. */
  readonly node: string;
  readonly servers: readonly ListedServer[];
  /** Servers that were started on other nodes with the same home folder. */
  readonly elsewhere: readonly { readonly name: string; readonly node: string }[];
  /** Runtime files of processes that are not on this host: they crashed, or run on another node. */
  readonly absent: readonly string[];
  /** Files with the name of a runtime file that are not valid, or that belong to another user. */
  readonly unreadable: readonly string[];
}

/** A host that could not be asked for its servers. */
export interface SilentHost {
  readonly destination: string;
  /** Why. */
  readonly error: string;
}

/** What `status --all` without a host prints of each known host. */
export type HostReport = HostListing | SilentHost;
