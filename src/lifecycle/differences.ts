import type { HostServer } from '../host/server-record.ts';
import { DEFAULT_PORT, type ServerSpec } from '../model/server-spec.ts';
import type { Forward } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';

/** Says which settings a server that runs already was started without. */
export function noteUnmet(wanted: ServerSpec, has: ServerSpec, forward: Forward, context: Context): void {
  const { environment, command, setup, socket, idleTimeoutS, port, localPort } = wanted;
  const unmet = Object.entries({
    environment: environment !== '' && environment !== has.environment,
    command: command !== '' && command !== has.command,
    setup: setup.length > 0 && setup.join('\n') !== has.setup.join('\n'),
    socket: socket && !has.socket,
    'idle-timeout': idleTimeoutS !== undefined && idleTimeoutS !== has.idleTimeoutS,
    port: port !== DEFAULT_PORT && port !== has.port,
    'local-port': localPort !== undefined && localPort !== forward.localPort,
  }).flatMap(([name, isUnmet]) => (isUnmet ? [name] : []));
  noteOther(unmet, context);
}

function noteOther(settings: readonly string[], context: Context): void {
  if (settings.length === 0) return;
  context.report.note(`it runs already, with another ${settings.join(', ')}: stop it first to have yours`);
}

/** Says what of the running server is not as it was asked for: it was started by another command line. */
export function noteDifferences(wanted: ServerSpec, found: HostServer, context: Context): void {
  if (found.holder)
    context.report.note(`port ${wanted.port} of ${wanted.destination} is taken by ${found.holder}`);
  if (found.info.port !== wanted.port && found.info.port !== 0) {
    context.report.note(
      `the server listens on port ${found.info.port} of ${wanted.destination}, not on ${wanted.port}`,
    );
  }
  if (!found.joined) return;
  const told = ['environment', 'command'] as const;
  noteOther(
    told.filter((key) => wanted[key] !== '' && wanted[key] !== found[key]),
    context,
  );
}
