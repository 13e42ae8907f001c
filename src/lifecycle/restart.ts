import type { ServerSpec } from '../model/server-spec.ts';
import type { Context } from '../system/context.ts';
import { onTunnel } from '../tunnel/tunnel.ts';
import { type Started, startHeld } from './start.ts';
import { endServer, type MayEnd, runningServer } from './stop.ts';
import { withServer } from './task.ts';

/**
 * Ends the server, and starts it again with its port and its token: pages that are open in a browser
 * find the new one by themselves. Its kernels are lost. One that does not run is started.
 * @param mayEnd undefined to end whatever its kernels do
 * @param timeoutMs how long Jupyter may take to come up
 * @returns `again` tells whether there was one: pages that were open before its stop know another token
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
      // One that listened on a socket had no port.
      const again = { ...task, spec: { ...spec, port: ended?.port || spec.port } };
      const started = await startHeld(again, { kind: 'start', timeoutMs, token: ended?.token ?? '' });
      return { ...started, again: ended !== undefined };
    });
  });
}
