import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
import { readRecords, type ServerRecord, withServerLock } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { connectionOf } from '../tunnel/tunnel.ts';

/** What a verb works on while it holds the server's lock. */
export interface Task {
  readonly spec: ServerSpec;
  /** What was on record of the server when the lock was taken. */
  readonly before: ServerRecord | undefined;
  readonly connection: Connection;
  readonly context: Context;
}

/** Does `work` while no other command starts, changes or stops this server. */
export async function withServer<T>(
  spec: ServerSpec,
  context: Context,
  work: (task: Task) => Promise<T>,
): Promise<T> {
  // A path that cannot be used is told before a folder is made there.
  const connection = connectionOf(spec, context.env);
  return withServerLock(spec.name, context, () =>
    work({ spec, before: readRecords(context)[spec.name], connection, context }),
  );
}
