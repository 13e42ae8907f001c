import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
import { readRecords, type ServerRecord } from '../state/records.ts';
import { withServerLock } from '../state/server-lock.ts';
import type { Context } from '../system/context.ts';
import { connectionOf } from '../tunnel/connection.ts';

/** What a verb needs while it holds the lock of a server. */
export interface Task {
  readonly spec: ServerSpec;
  /** The record of the server when the lock was taken. */
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
  // This fails first if the path of the state folder is unusable: no folder is created there.
  const connection = connectionOf(spec, context.env);
  return withServerLock(spec.name, context, () =>
    work({ spec, before: readRecords(context)[spec.name], connection, context }),
  );
}
