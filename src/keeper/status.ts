import { join } from 'node:path';
import type { Connection } from '../ssh/arguments.ts';
import { attempt } from '../system/errors.ts';
import { writePassingFile } from '../system/files.ts';
import type { ProcessIdentity } from '../system/process.ts';
import type { Phase } from './links/links.ts';

/** What a keeper knows of its connection. */
export interface KeeperStatus {
  readonly phase: Phase;
  readonly keeper: ProcessIdentity;
  /** The ssh that has logged in. */
  readonly ssh: ProcessIdentity | undefined;
  /** When the connection was opened, or was lost; in milliseconds since 1970. */
  readonly since: number;
  /** The number of the login in progress since then, or else of the next one, which begins at this time; in milliseconds since 1970. */
  readonly tries: number;
  readonly nextTryAt: number | undefined;
  /** Why there is no connection, or a forward is down: in most cases what ssh and its proxy printed at the last try. */
  readonly output: string | undefined;
  /** The forwards that are usable, those whose local port is ours, and those whose port is in use, as `-L` takes them. */
  readonly up: readonly string[];
  readonly bound: readonly string[];
  readonly down: readonly string[];
  /** Why the servers of forwards that are not usable cannot be reached, as far as it is known. An older keeper does not say it. */
  readonly reasons?: Readonly<Record<string, string>>;
  /** Number of bytes of programs on this machine that are kept here, since the host has not confirmed them. */
  readonly buffered: number;
}

/** Its name in the connection's folder. */
export const STATUS_FILE = 'status.json';

/** Writes it to the connection's folder, where it stays if the keeper is killed. */
export function writeStatus({ folder }: Pick<Connection, 'folder'>, status: KeeperStatus): void {
  attempt(() => writePassingFile(join(folder, STATUS_FILE), JSON.stringify(status)));
}
