import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Connection, Host } from '../ssh/arguments.ts';
import { isHeld, removeLock, withLock } from '../state/lock.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { ensurePrivateFolder } from '../system/files.ts';
import { stateFolder } from '../system/paths.ts';

/** Maximum length of a control path: macOS allows 104 bytes, and ssh first binds a path that is 17 bytes longer. */
const CONTROL_PATH_BYTES = 86;

/**
 * Returns the connection to a host, open or not. Servers of one destination share it. Its folder is named after its identity, so that every command
 * finds the same one.
 * @throws Failure when the path of the state folder is too long, or ssh would replace a part of it
 */
export function connectionOf({ destination, sshConfig }: Host, env: NodeJS.ProcessEnv): Connection {
  const name = shortHash(JSON.stringify([destination, sshConfig ?? null]));
  const folder = join(connectionsFolder(env), name);
  const controlPath = join(folder, 'control');
  const unusable = (why: string, what: string) =>
    new Failure(`the path ${controlPath} ${why}`, { remedy: `Set XDG_STATE_HOME to ${what} folder.` });
  if (Buffer.byteLength(controlPath) > CONTROL_PATH_BYTES)
    throw unusable(`is too long for a control socket (${CONTROL_PATH_BYTES} bytes)`, 'a shorter');
  // ssh_config(5): ControlPath expands tokens and environment variables.
  if (/%|\$\{/.test(controlPath)) throw unusable('contains a % or a ${, which ssh would replace', 'another');
  return { destination, sshConfig, folder, controlPath };
}

/** The folder that has one folder for each connection. Its name is short: see CONTROL_PATH_BYTES. */
export function connectionsFolder(env: NodeJS.ProcessEnv): string {
  return join(stateFolder(env), 'c');
}

/** FNV-1a of 64 bits, in 13 letters and digits: loading node:crypto would cost each command two milliseconds. */
function shortHash(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(36);
}

/** Does `work` while no other command opens, closes or changes this connection. Creates its folder. */
export function withConnectionLock<T>(
  connection: Connection,
  context: Context,
  work: () => Promise<T>,
): Promise<T> {
  ensureFoldersAbove(connection);
  return withLock(connection.folder, context, async () => {
    ensurePrivateFolder(connection.folder);
    return work();
  });
}

function ensureFoldersAbove({ folder }: Connection): void {
  const connections = dirname(folder);
  for (const path of [dirname(connections), connections]) ensurePrivateFolder(path);
}

/** Does `work` while no other command closes this connection: each claim is a lock that shows that its process is alive. */
export async function withClaim<T>(
  connection: Connection,
  context: Context,
  work: () => Promise<T>,
): Promise<T> {
  ensureFoldersAbove(connection);
  await removeDeadClaims(connection, context);
  const claim = `${connection.folder}-${Math.random().toString(36).slice(2)}`;
  return withLock(claim, context, work);
}

/** Whether a running command has a claim on the connection. */
export async function isClaimed(connection: Pick<Connection, 'folder'>): Promise<boolean> {
  return (await Promise.all(claimsOn(connection).map(isHeld))).includes(true);
}

/** Removes the claims of commands that were killed. */
export async function removeDeadClaims(connection: Connection, context: Context): Promise<void> {
  for (const claim of claimsOn(connection)) await removeLock(claim, context);
}

function claimsOn({ folder }: Pick<Connection, 'folder'>): string[] {
  const connections = dirname(folder);
  return readdirSync(connections)
    .filter((name) => name.startsWith(`${basename(folder)}-`) && name.endsWith('.lock'))
    .map((name) => join(connections, name));
}
