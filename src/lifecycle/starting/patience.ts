import { setTimeout as pause } from 'node:timers/promises';
import type { HostServer } from '../../host/server-record.ts';
import { Interrupted } from '../../system/errors.ts';
import { keeperState } from '../../tunnel/keeper.ts';
import { openTunnel } from '../../tunnel/tunnel.ts';
import type { Task } from '../task.ts';
import type { AwaitedJob } from './job.ts';

const LOOK_MS = 500;

/**
 * Obtains a server. If the connection is lost while that waits for its job, waits until the keeper has brought it back, and
 * then for the job again.
 * @param obtain finds the job, or submits it, and waits for the server
 * @throws what `obtain` throws, if there is no job yet, or the keeper has given up
 */
export async function obtainPatiently(
  task: Task,
  job: AwaitedJob,
  obtain: () => Promise<HostServer>,
): Promise<HostServer> {
  for (;;) {
    try {
      return await obtain();
    } catch (error) {
      if (!job.outlives(error) || !(await isConnectedAgain(task, job))) throw error;
    }
  }
}

async function isConnectedAgain({ connection, context }: Task, job: AwaitedJob): Promise<boolean> {
  job.noteLoss();
  for (;;) {
    const phase = (await keeperState(connection))?.phase;
    if (phase === 'connected') break;
    if (phase !== 'reconnecting') return false;
    await pause(LOOK_MS, undefined, { signal: context.signal }).catch(() => {
      throw new Interrupted();
    });
  }
  // It does not have the sessions of a script that was cut off at once.
  return openTunnel(connection, context).then(
    () => true,
    () => false,
  );
}
