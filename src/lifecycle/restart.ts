import type { ServerSpec } from '../model/server-spec.ts';
import type { Context } from '../system/context.ts';
import { onTunnel } from '../tunnel/tunnel.ts';
import { type Started, startHeld } from './start.ts';
import { endServer, type MayEnd, runningServer } from './stop.ts';
import { withServer } from './task.ts';

/**
 * Ends the server and starts it again with the same port and token, so that open pages reconnect. Its kernels are lost.
 * A server that is not running is started.
 * @param mayEnd undefined to end the server even if its kernels are busy
 * @param timeoutMs how long Jupyter may take to start
 * @returns `again`: whether the server was running. If not, its token is new, and pages that are open need a reload
 */
export function restartServer(
  spec: ServerSpec,
  mayEnd: MayEnd | undefined,
  timeoutMs: number,
  context: Context,
): Promise<(Started & { readonly again: boolean }) | 'refused'> {
  return withServer(spec, context, (task) => {
    context.report.phase('connect');
    return onTunnel(task.connection, context, async () => {
      const ended = await runningServer(task);
      if (ended && (await endServer(ended, task, mayEnd)) === 'refused') return 'refused';
      // A server on a socket has no port.
      const again = { ...task, spec: { ...spec, port: ended?.port || spec.port } };
      const started = await startHeld(again, { kind: 'start', timeoutMs, token: ended?.token ?? '' });
      return { ...started, again: ended !== undefined };
    });
  });
}
