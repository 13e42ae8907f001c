import { join } from 'node:path';
import type { Context } from '../system/context.ts';
import { ensurePrivateFolder } from '../system/files.ts';
import { stateFolder } from '../system/paths.ts';
import { isHeld, withLock } from './lock.ts';

/** Runs `work` while no other command starts or stops this server. */
export async function withServerLock<T>(name: string, context: Context, work: () => Promise<T>): Promise<T> {
  ensurePrivateFolder(stateFolder(context.env));
  return withLock(serverLock(name, context), context, work);
}

/** Whether a command is starting or stopping this server. */
export function isServerLocked(name: string, context: Context): Promise<boolean> {
  return isHeld(`${serverLock(name, context)}.lock`);
}

function serverLock(name: string, context: Context): string {
  return join(stateFolder(context.env), `server-${name}`);
}
