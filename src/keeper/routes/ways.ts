import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import type { Connection } from '../../ssh/arguments.ts';
import { attempt } from '../../system/errors.ts';
import { writePassingFile } from '../../system/files.ts';

const WaySchema = v.object({
  /** Whether ssh reached a node of the cluster, the last time that it was tried. */
  isOpen: v.boolean(),
  /** What ssh printed if it did not. */
  reason: v.string(),
  /** In milliseconds since 1970. */
  at: v.number(),
});

/** Whether the nodes of a cluster are reached by ssh, through its login node. */
export type Way = Readonly<v.InferOutput<typeof WaySchema>>;

/** For how long a refusal is believed: each login that fails could lock the user out. */
const BELIEVED_MS = 24 * 3_600_000;

/** It stays when the connection is closed: the next start begins with the way that works. */
function waysFile({ folder }: Pick<Connection, 'folder'>): string {
  return join(dirname(dirname(folder)), `ways-${basename(folder)}.json`);
}

/** The name of such a file. */
export const WAYS_FILE = /^ways-\w+\.json$/;

/** What is known of the way to the nodes behind a host; undefined if it was not tried, or is to be tried again. */
export function readWay(connection: Pick<Connection, 'folder'>): Way | undefined {
  const way = attempt(() => v.parse(WaySchema, JSON.parse(readFileSync(waysFile(connection), 'utf8'))));
  return way && (way.isOpen || Date.now() - way.at < BELIEVED_MS) ? way : undefined;
}

export function rememberWay(connection: Pick<Connection, 'folder'>, isOpen: boolean, reason = ''): void {
  attempt(() => writePassingFile(waysFile(connection), JSON.stringify({ isOpen, reason, at: Date.now() })));
}
