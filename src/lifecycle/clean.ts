import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
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
  if (!existsSync(folder)) return [];
  const records = readRecords(context);
  return [
    ...(await deadRecords(records, context)),
    ...((await isStarting(folder)) ? [] : await deadConnections(folder, records, context)),
    ...(await strayProcesses(folder)),
    ...(await strayLocks(folder, context)),
    ...strayFiles(
      /^open-.*\.html$/,
      Object.keys(records).map((name) => redirectFile(name, context.env)),
      context,
    ),
  ];
}

/** Records whose host says that the server is gone. */
async function deadRecords(records: Records, context: Context): Promise<Leftover[]> {
  const found = await Promise.all(
    Object.values(records).map(async (record): Promise<Leftover[]> => {
      const { jupyter: server } = await serverStatus(record, context);
      if (server.state !== 'stopped') return [];
      const { name, destination } = record.spec;
      const what = `the record of "${name}", whose server on ${destination} is gone`;
      return [{ what, remove: () => forgetServer({ spec: record.spec, record }, context) }];
    }),
  );
  return found.flat();
}

/** A start has a connection some seconds before it has a record. */
async function isStarting(folder: string): Promise<boolean> {
  const locks = readdirSync(folder).filter((name) => /^server-.*\.lock$/.test(name));
  return (await Promise.all(locks.map((name) => isHeld(join(folder, name))))).includes(true);
}

/** Connections without a keeper, and keepers that no server needs. */
async function deadConnections(folder: string, records: Records, context: Context): Promise<Leftover[]> {
  const rooms = join(folder, 'c');
  const needed = new Set(
    Object.values(records).flatMap(({ spec, closed }) =>
      closed ? [] : [connectionOf(spec, context.env).folder],
    ),
  );
  const names = existsSync(rooms) ? readdirSync(rooms).filter((name) => !name.endsWith('.lock')) : [];
  const found = await Promise.all(
    names.map(async (name): Promise<Leftover[]> => {
      const connection = { folder: join(rooms, name) };
      const remove = () => closeConnection(connection);
      if (await isClaimed(connection)) return [];
      if (!needed.has(connection.folder))
        return [{ what: `the connection ${name}, which no server needs`, remove }];
      if (await keeperState(connection)) return [];
      return [{ what: `what is left of the connection ${name}, whose keeper is gone`, remove }];
    }),
  );
  return found.flat();
}

/** Keepers, and ssh without one, whose folder has vanished: their command lines name it. */
async function strayProcesses(folder: string): Promise<Leftover[]> {
  const lines = (await outputOf(['ps', '-A', '-ww', '-o', 'pid=,args='])).split('\n');
  const rooms = `${join(folder, 'c')}/`;
  const stray = lines.filter((line) => {
    const at = line.indexOf(rooms);
    if (at < 0 || !/keeper\.sh |ssh .*-N -T -M -S /.test(line)) return false;
    const name = line.slice(at + rooms.length).split(/[/ ]/)[0] ?? '';
    return !existsSync(join(rooms, name));
  });
  const found = await Promise.all(
    stray.map(async (line): Promise<Leftover[]> => {
      const pid = Number.parseInt(line, 10);
      const startTime = await startTimeOf(pid);
      if (startTime === undefined) return [];
      const what = `process ${pid}, which keeps a connection whose folder is gone`;
      return [{ what, remove: () => endProcessTree({ pid, startTime }, GRACE_MS) }];
    }),
  );
  return found.flat();
}

/** Locks of commands that crashed. */
async function strayLocks(folder: string, context: Context): Promise<Leftover[]> {
  const rooms = join(folder, 'c');
  const locks = [folder, ...(existsSync(rooms) ? [rooms] : [])].flatMap((place) =>
    readdirSync(place)
      .filter((name) => name.endsWith('.lock'))
      .map((name) => join(place, name)),
  );
  const held = await Promise.all(locks.map(isHeld));
  return locks
    .filter((_, index) => !held[index])
    .map((lock) => ({
      what: `the lock ${relative(folder, lock)}, whose holder is gone`,
      remove: () => removeLock(lock, context),
    }));
}

/** Files of servers that are no more: all that are called so, but those that are `known`. */
export function strayFiles(pattern: RegExp, known: readonly string[], { env }: Context): Leftover[] {
  const folder = stateFolder(env);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => pattern.test(name) && !known.includes(join(folder, name)))
    .map((name) => ({
      what: `the file ${name}, which nothing needs`,
      remove: async () => rmSync(join(folder, name), { force: true }),
    }));
}
