import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, controlCommand } from '../ssh/arguments.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { run } from '../system/run.ts';
import { whileResponding } from './master.ts';

/**
 * Does `work` with a local Unix socket that ssh forwards to `target` on the host, over an open connection. The socket
 * is in the connection's private folder: if ssh ends meanwhile, no other user can take its place and receive a token,
 * as they could with a port.
 * @throws Failure when ssh cannot set up the forward, HangingSsh when it does not respond
 */
export async function withBriefForward<T>(
  connection: Connection,
  target: string,
  context: Context,
  work: (socketPath: string) => Promise<T>,
): Promise<T> {
  const socketPath = join(connection.folder, Math.random().toString(36).slice(2, 10));
  // ssh splits a forward at its colons, and removes a backslash.
  const forward = `${socketPath.replace(/[:\\]/g, '\\$&')}:${target}`;
  const request = (kind: 'forward' | 'cancel', within: Context) =>
    whileResponding(connection, within, (watched) => run(controlCommand(connection, kind, forward), watched));
  const { code, stderr } = await request('forward', context);
  if (code !== 0) throw new Failure(`cannot forward to ${target}: ${stderr.trim()}`);
  try {
    return await work(socketPath);
  } finally {
    await request('cancel', uninterrupted(context));
    rmSync(socketPath, { force: true });
  }
}
