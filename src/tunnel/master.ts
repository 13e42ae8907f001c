import { setTimeout as pause } from 'node:timers/promises';
import { type Connection, checkCommand } from '../ssh/arguments.ts';
import { type Context, endedBy, timeLimit } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { run } from '../system/run.ts';
import { readKeeperState } from './keeper.ts';

/** Timeout for ssh to respond on its control socket: it takes some milliseconds. */
const RESPONSE_TIMEOUT_MS = 3000;
/** Number of times that it may miss the timeout. A Ctrl-Z that stops this process, too, makes the first one invalid. */
const TRIES = 2;
/** The pause before ssh is checked while something waits for it. */
const PATIENCE_MS = 3000;

/** The ssh that keeps a connection open does not respond to this machine. */
export class HangingSsh extends Failure {
  constructor({ folder, destination }: Connection) {
    const pid = readKeeperState({ folder })?.ssh?.pid;
    super(
      `the local ssh process that keeps the connection to ${destination} open${pid ? ` (PID ${pid})` : ''} does not respond`,
      {
        remedy: pid
          ? `If it was stopped, let it continue: kill -CONT ${pid}. Otherwise end it, and the tunnel reconnects on its own: kill -KILL ${pid}`
          : 'Run the command again.',
      },
    );
  }
}

/**
 * Verifies that the ssh of a connection responds, if it is running. ssh(1): `-O check` is answered by that ssh itself,
 * whatever the host and the network do. So silence means that it was stopped, or hangs in this machine's kernel.
 * @throws HangingSsh
 */
export async function verifyMaster(connection: Connection, context: Context): Promise<void> {
  // It has the PID of now: another ssh, which works, may take its place while it is asked.
  const hanging = new HangingSsh(connection);
  for (let tries = 1; tries <= TRIES; tries++) {
    const overdue = timeLimit(RESPONSE_TIMEOUT_MS);
    try {
      await run(checkCommand(connection), endedBy(overdue, context));
      return;
    } catch (error) {
      if (!overdue.aborted || context.signal.aborted) throw error;
    }
  }
  throw hanging;
}

/**
 * Does `work`, which waits for the ssh of the connection, and ends it if that does not respond.
 * @param work gets a context with the signal that ends it, and one that ends the watch before the work
 * @throws HangingSsh
 */
export async function whileResponding<T>(
  connection: Connection,
  context: Context,
  work: (context: Context, endWatch: () => void) => Promise<T>,
): Promise<T> {
  const [hang, over] = [new AbortController(), new AbortController()];
  watchMaster(connection, endedBy(over.signal, context)).catch((failure) => hang.abort(failure));
  try {
    return await work(endedBy(hang.signal, context), () => over.abort());
  } catch (error) {
    throw hang.signal.aborted && !context.signal.aborted ? hang.signal.reason : error;
  } finally {
    over.abort();
  }
}

/** Checks ssh from time to time until the signal is aborted. @throws HangingSsh */
async function watchMaster(connection: Connection, context: Context): Promise<void> {
  for (;;) {
    try {
      await pause(PATIENCE_MS, undefined, { signal: context.signal });
      await verifyMaster(connection, context);
    } catch (error) {
      if (context.signal.aborted) return;
      throw error;
    }
  }
}
