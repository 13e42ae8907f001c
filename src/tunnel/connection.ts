import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Connection } from '../ssh/arguments.ts';
import { isHeld, removeLock, withLock } from '../state/lock.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { ensurePrivateFolder, writePassingFile } from '../system/files.ts';
import { stateFolder } from '../system/paths.ts';

/** A control path may have so many bytes: sun_path on macOS is 104, and ssh binds it with 17 more at first. */
const CONTROL_PATH_BYTES = 86;

/**
 * The connection to a destination, up or not. Its folder's name is made of what ssh is told, so that every
 * command finds the same one.
 * @throws Failure when the state folder has a path that is too long, or that ssh would read as another.
 */
export function connectionTo(
  destination: string,
  sshConfig: string | undefined,
  env: NodeJS.ProcessEnv,
): Connection {
  const identity = JSON.stringify([destination, sshConfig ?? null]);
  const name = shortHash(identity);
  const folder = join(stateFolder(env), 'c', name);
  const controlPath = join(folder, 'control');
  const unusable = (why: string, what: string) =>
    new Failure(`the path ${controlPath} ${why}`, { remedy: `Name ${what} folder in XDG_STATE_HOME.` });
  if (Buffer.byteLength(controlPath) > CONTROL_PATH_BYTES)
    throw unusable(`is too long for a control socket (${CONTROL_PATH_BYTES} bytes)`, 'a shorter');
  // ssh_config(5): ControlPath takes tokens and variables of the environment.
  if (/%|\$\{/.test(controlPath))
    throw unusable('holds a % or a ${, which ssh would replace by something else', 'another');
  return { destination, sshConfig, folder, controlPath };
}

/** What stands in a connection's folder, so that it can be found again by nothing else. */
const ORIGIN = 'origin';

/** Writes into the connection's folder what it is for: see `knownConnections`. */
export function writeOrigin({ destination, sshConfig, folder }: Connection): void {
  writePassingFile(join(folder, ORIGIN), [destination, sshConfig ?? '', ''].join('\n'));
}

/** The connections that have a folder here, up or not. One whose folder does not tell what it was for is left out. */
export function knownConnections(env: NodeJS.ProcessEnv): Connection[] {
  const rooms = join(stateFolder(env), 'c');
  const names = existsSync(rooms) ? readdirSync(rooms) : [];
  return names.flatMap((name) => {
    try {
      const [destination = '', sshConfig] = readFileSync(join(rooms, name, ORIGIN), 'utf8').split('\n');
      const connection = connectionTo(destination, sshConfig || undefined, env);
      return connection.folder === join(rooms, name) ? [connection] : [];
    } catch {
      return [];
    }
  });
}

/** FNV-1a of 64 bits, in 13 letters and digits: reading node:crypto would cost each command two milliseconds. */
function shortHash(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(36);
}

/** Does `work` while no other command opens, closes or changes this connection. Makes its folder. */
export async function withConnectionLock<T>(
  connection: Connection,
  context: Context,
  work: () => Promise<T>,
): Promise<T> {
  ensureRooms(connection);
  ensurePrivateFolder(connection.folder);
  return withLock(connection.folder, context, async () => {
    // Whoever had the lock before may have closed the connection.
    ensurePrivateFolder(connection.folder);
    return work();
  });
}

function ensureRooms({ folder }: Connection): void {
  const rooms = dirname(folder);
  for (const above of [dirname(rooms), rooms]) ensurePrivateFolder(above);
}

/** Does `work` while the connection counts as claimed, also by others: a lock that nobody else wants tells that this process lives. */
export function withClaim<T>(connection: Connection, context: Context, work: () => Promise<T>): Promise<T> {
  ensureRooms(connection);
  const claim = `${connection.folder}-${Math.random().toString(36).slice(2)}`;
  return withLock(claim, context, work);
}

/** All that is needed to know of a connection to find what belongs to it. */
type Room = Pick<Connection, 'folder'>;

/** Whether a command that lives has a claim on the connection. Changes nothing. */
export async function isClaimed(room: Room): Promise<boolean> {
  return (await Promise.all(claimsOn(room).map(isHeld))).includes(true);
}

/** Removes the claims of commands that were killed. */
export async function removeDeadClaims(room: Room, context: Context): Promise<void> {
  for (const claim of claimsOn(room)) await removeLock(claim, context);
}

function claimsOn({ folder }: Room): string[] {
  const rooms = dirname(folder);
  return readdirSync(rooms)
    .filter((name) => name.startsWith(`${basename(folder)}-`) && name.endsWith('.lock'))
    .map((name) => join(rooms, name));
}
