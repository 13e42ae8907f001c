import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { isHeld, removeLock } from '../state/lock.ts';
import { type Records, readRecords } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { stateFolder } from '../system/paths.ts';
import { endProcessTree, startTimeOf } from '../system/process.ts';
import { outputOf } from '../system/run.ts';
import { isClaimed } from '../tunnel/connection.ts';
import { keeperState } from '../tunnel/keeper.ts';
import { closeConnection } from '../tunnel/keeping.ts';
import { connectionOf } from '../tunnel/tunnel.ts';
import { redirectFile } from './open.ts';
import { serverStatus } from './status.ts';
import { forgetServer } from './stop.ts';

/** Something that a crash has left: what it is, and how it goes. */
export interface Leftover {
  readonly what: string;
  remove(): Promise<void>;
}

const GRACE_MS = 3000;

/** What earlier crashes left on this machine, and nothing that anybody still needs. Changes nothing. */
export async function findLeftovers(context: Context): Promise<Leftover[]> {
  const folder = stateFolder(context.env);
  const rooms = join(folder, 'c');
  if (!existsSync(folder)) return [];
  const records = readRecords(context);
  return [
    ...(await deadRecords(records, context)),
    ...((await isStarting(folder)) ? [] : await deadConnections(rooms, records, context)),
    ...(await strayProcesses(rooms)),
    ...(await strayLocks(folder, rooms, context)),
    ...strayFiles(
      /^open-.*\.html$/,
      Object.keys(records).map((name) => redirectFile(name, context.env)),
      context,
    ),
  ];
}

/** Looks at all at the same time. */
async function leftoversAmong<T>(
  things: readonly T[],
  look: (thing: T) => Promise<Leftover | undefined>,
): Promise<Leftover[]> {
  const found = await Promise.all(things.map(look));
  return found.filter((leftover) => leftover !== undefined);
}

/** What is in a folder, if that is there. */
function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function locksIn(folder: string): string[] {
  return namesIn(folder).flatMap((name) => (name.endsWith('.lock') ? [join(folder, name)] : []));
}

/** Records whose host says that the server is gone. */
function deadRecords(records: Records, context: Context): Promise<Leftover[]> {
  return leftoversAmong(Object.values(records), async (record) => {
    const { name, destination, jupyter } = await serverStatus(record, context);
    if (jupyter.state !== 'stopped') return undefined;
    const what = `the record of "${name}", whose server on ${destination} is gone`;
    return { what, remove: () => forgetServer(record.spec, context) };
  });
}

/** A start has a connection some seconds before it has a record. */
async function isStarting(folder: string): Promise<boolean> {
  const locks = locksIn(folder).filter((lock) => basename(lock).startsWith('server-'));
  return (await Promise.all(locks.map(isHeld))).includes(true);
}

/** Connections without a keeper, and keepers that no server needs. */
function deadConnections(rooms: string, records: Records, { env }: Context): Promise<Leftover[]> {
  const open = Object.values(records).filter(({ closed }) => !closed);
  const needed = open.map(({ spec }) => connectionOf(spec, env).folder);
  const names = namesIn(rooms).filter((name) => !name.endsWith('.lock'));
  return leftoversAmong(names, async (name) => {
    const connection = { folder: join(rooms, name) };
    const remove = () => closeConnection(connection);
    if (await isClaimed(connection)) return undefined;
    if (!needed.includes(connection.folder))
      return { what: `the connection ${name}, which no server needs`, remove };
    if (await keeperState(connection)) return undefined;
    return { what: `what is left of the connection ${name}, whose keeper is gone`, remove };
  });
}

/** Keepers, and ssh without one, whose folder has vanished: their command lines name it. */
async function strayProcesses(rooms: string): Promise<Leftover[]> {
  const lines = (await outputOf(['ps', '-A', '-ww', '-o', 'pid=,args='])).split('\n');
  const stray = lines.filter((line) => {
    const [, after] = line.split(`${rooms}/`);
    if (after === undefined || !/keeper\.sh |ssh .*-N -T -M -S /.test(line)) return false;
    return !existsSync(join(rooms, after.replace(/[/ ].*/, '')));
  });
  return leftoversAmong(stray, async (line) => {
    const pid = Number.parseInt(line, 10);
    const startTime = await startTimeOf(pid);
    if (startTime === undefined) return undefined;
    const what = `process ${pid}, which keeps a connection whose folder is gone`;
    return { what, remove: () => endProcessTree({ pid, startTime }, GRACE_MS) };
  });
}

/** Locks of commands that crashed. */
function strayLocks(folder: string, rooms: string, context: Context): Promise<Leftover[]> {
  return leftoversAmong([...locksIn(folder), ...locksIn(rooms)], async (lock) => {
    if (await isHeld(lock)) return undefined;
    const what = `the lock ${relative(folder, lock)}, whose holder is gone`;
    return { what, remove: () => removeLock(lock, context) };
  });
}

/** Files of servers that are no more: all that are called so, but those that are `known`. */
export function strayFiles(pattern: RegExp, known: readonly string[], { env }: Context): Leftover[] {
  const folder = stateFolder(env);
  return namesIn(folder)
    .filter((name) => pattern.test(name) && !known.includes(join(folder, name)))
    .map((name) => ({
      what: `the file ${name}, which nothing needs`,
      remove: async () => rmSync(join(folder, name), { force: true }),
    }));
}
