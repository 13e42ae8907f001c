/** A Jupyter server of the user's on a host, whoever started it, as `status --all --json` prints it. Without its token. */
export interface ListedServer {
  readonly pid: number;
  /** Null when it listens on a socket, or does not tell. */
  readonly port: number | null;
  readonly socket: string | null;
  /** Null of a classic notebook, which tells it only by its API. */
  readonly version: string | null;
  readonly command: string | null;
  readonly directory: string | null;
  readonly startedAt: string | null;
  /** What started it: this program, from whichever machine, or something else. */
  readonly startedBy: 'remote-notebook' | 'other';
  /** The machine that had this program start it, where that is known. */
  readonly startedFrom: string | null;
  /** The names by which this program knows it on its host. */
  readonly names: readonly string[];
  /** Whether only a password lets in: then nothing can be proven or asked of it from here. */
  readonly passwordOnly: boolean;
}

/** All Jupyter servers of the user on a host, and what else of them is there. */
export interface HostListing {
  readonly destination: string;
  /** The host's own name. */
  readonly node: string;
  readonly servers: readonly ListedServer[];
  /** Servers that were started on other nodes, with which the host shares a home folder. */
  readonly elsewhere: readonly { readonly name: string; readonly node: string }[];
  /** Runtime files whose process is not on this host: a crash has left them, or another node has it. */
  readonly absent: readonly string[];
  /** What is named like a runtime file, and is none, or not the user's. */
  readonly unreadable: readonly string[];
}
