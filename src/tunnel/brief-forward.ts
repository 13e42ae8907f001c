import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, controlCommand } from '../ssh/arguments.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { run } from '../system/run.ts';

/**
 * Does `work` with a Unix socket of this machine that leads to `target` of the host, over a connection that is up. The
 * socket is in the connection's private folder: whatever becomes of this ssh meanwhile, no stranger can take its place,
 * as one could take the place of a port, and be sent a token.
 * @throws Failure when ssh makes no such forward
 */
export async function withBriefForward<T>(
  connection: Connection,
  target: string,
  context: Context,
  work: (socketPath: string) => Promise<T>,
): Promise<T> {
  const socketPath = join(connection.folder, Math.random().toString(36).slice(2, 10));
  // A colon would end the path: ssh reads a forward as its parts, and takes a backslash before a letter that is none.
  const forward = `${socketPath.replace(/[:\\]/g, '\\$&')}:${target}`;
  const { code, stderr } = await run(controlCommand(connection, 'forward', forward), context);
  if (code !== 0) throw new Failure(`no forward to ${target}: ${stderr.trim()}`);
  try {
    return await work(socketPath);
  } finally {
    await run(controlCommand(connection, 'cancel', forward), uninterrupted(context));
    rmSync(socketPath, { force: true });
  }
}
