import { existsSync, lstatSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { EVENTS_FILE } from '../keeper/events.ts';
import { WAYS_FILE } from '../keeper/routes/ways.ts';
import { isHeld, removeLock } from '../state/lock.ts';
import { type Records, readRecords } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { stateFolder } from '../system/paths.ts';
import { endProcessTree, startTimeOf } from '../system/process.ts';
import { outputOf } from '../system/run.ts';
import { connectionOf, connectionsFolder, isClaimed } from '../tunnel/connection.ts';
import { keeperState } from '../tunnel/keeper.ts';
import { closeConnection } from '../tunnel/keeping.ts';
import { redirectFile } from './open.ts';
import { serverStatus } from './status.ts';
import { forgetServer } from './stop.ts';

/** Something that a crash has left behind. */
export interface Leftover {
  readonly what: string;
  remove(): Promise<void>;
}

const GRACE_MS = 3000;
/** How long the events of a connection are kept after the last one: 30 days. */
const EVENTS_KEPT_MS = 30 * 86_400_000;

/** Finds what earlier crashes have left on this machine and nobody needs. Changes nothing. */
export async function findLeftovers(context: Context): Promise<Leftover[]> {
  const folder = stateFolder(context.env);
  const connections = connectionsFolder(context.env);
  const records = readRecords(context);
  const locks = locksIn(folder);
  // A start has a connection some seconds before it has a record.
  const startLocks = locks.filter((lock) => basename(lock).startsWith('server-'));
  const isStarting = (await Promise.all(startLocks.map(isHeld))).includes(true);
  const pages = Object.keys(records).map((name) => redirectFile(name, context.env));
  return [
    ...(await deadRecords(records, context)),
    ...(isStarting ? [] : await deadConnections(connections, records, context)),
    ...(await strayProcesses(connections)),
    ...(await strayLocks([...locks, ...locksIn(connections)], context)),
    ...strayFiles(/^open-.*\.html(\.\d+)?$/, pages, context),
    ...oldEvents(context),
    ...oldWays(context),
  ];
}

/** Examines all candidates at the same time. */
async function leftoversAmong<T>(
  candidates: readonly T[],
  examine: (candidate: T) => Promise<Leftover | undefined>,
): Promise<Leftover[]> {
  const found = await Promise.all(candidates.map(examine));
  return found.filter((leftover) => leftover !== undefined);
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function locksIn(folder: string): string[] {
  return namesIn(folder).flatMap((name) => (name.endsWith('.lock') ? [join(folder, name)] : []));
}

/** Records whose host reports that the server has ended. */
function deadRecords(records: Records, context: Context): Promise<Leftover[]> {
  return leftoversAmong(Object.values(records), async (record) => {
    const { name, destination, jupyter } = await serverStatus(record, context);
    if (jupyter.state !== 'stopped') return undefined;
    const what = `the record of "${name}", whose server on ${destination} is gone`;
    return { what, remove: () => forgetServer(record.spec, context) };
  });
}

/** Connections without a keeper, and keepers that no server needs. */
function deadConnections(connections: string, records: Records, { env }: Context): Promise<Leftover[]> {
  const open = Object.values(records).filter(({ closed }) => !closed);
  const needed = open.map(({ spec }) => connectionOf(spec, env).folder);
  const names = namesIn(connections).filter((name) => !name.endsWith('.lock'));
  return leftoversAmong(names, async (name) => {
    const connection = { folder: join(connections, name) };
    const remove = () => closeConnection(connection);
    if (await isClaimed(connection)) return undefined;
    if (!needed.includes(connection.folder))
      return { what: `the connection ${name}, which no server needs`, remove };
    if (await keeperState(connection)) return undefined;
    return { what: `the files of the connection ${name}, whose keeper is gone`, remove };
  });
}

/** Keepers, and ssh without a keeper, whose folder is gone. Their command lines contain its path. */
async function strayProcesses(connections: string): Promise<Leftover[]> {
  const lines = (await outputOf(['ps', '-A', '-ww', '-o', 'pid=,args='])).split('\n');
  const stray = lines.filter((line) => {
    const [, after] = line.split(`${connections}/`);
    if (after === undefined || !/--keep |ssh .*-N -T -M -S /.test(line)) return false;
    return !existsSync(join(connections, after.replace(/[/ ].*/, '')));
  });
  return leftoversAmong(stray, async (line) => {
    const pid = Number.parseInt(line, 10);
    const startTime = await startTimeOf(pid);
    if (startTime === undefined) return undefined;
    const what = `process ${pid}, which keeps a connection whose folder is gone`;
    return { what, remove: () => endProcessTree({ pid, startTime }, GRACE_MS) };
  });
}

/** Events of connections that have had none for a month. */
function oldEvents(context: Context): Leftover[] {
  return leftFiles(EVENTS_FILE, isOld, 'with events of more than a month ago', context);
}

/** What was found out about clusters that were not used for a month. */
function oldWays(context: Context): Leftover[] {
  return leftFiles(WAYS_FILE, isOld, 'about a cluster that was not used for a month', context);
}

function isOld(path: string): boolean {
  // Another command may have removed it a moment ago.
  const entry = statSync(path, { throwIfNoEntry: false });
  return entry !== undefined && entry.mtimeMs < Date.now() - EVENTS_KEPT_MS;
}

/** Locks of commands that crashed. */
function strayLocks(locks: readonly string[], context: Context): Promise<Leftover[]> {
  return leftoversAmong(locks, async (lock) => {
    // A command that has ended since its lock was listed has removed it.
    if ((await isHeld(lock)) || !lstatSync(lock, { throwIfNoEntry: false })) return undefined;
    const what = `the lock ${relative(stateFolder(context.env), lock)}, whose process is gone`;
    return { what, remove: () => removeLock(lock, context) };
  });
}

/** Files in the state folder whose names match the pattern, except those that are `known`. */
export function strayFiles(pattern: RegExp, known: readonly string[], context: Context): Leftover[] {
  return leftFiles(pattern, (path) => !known.includes(path), 'which nothing needs', context);
}

function leftFiles(
  pattern: RegExp,
  isLeft: (path: string) => boolean,
  why: string,
  { env }: Context,
): Leftover[] {
  const folder = stateFolder(env);
  const names = namesIn(folder).filter((name) => pattern.test(name) && isLeft(join(folder, name)));
  return names.map((name) => ({
    what: `the file ${name}, ${why}`,
    remove: async () => rmSync(join(folder, name), { force: true }),
  }));
}
