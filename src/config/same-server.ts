import { type ServerSpec, startCommand } from '../model/server-spec.ts';
import { unmetSettings } from '../model/settings.ts';
import { readState, type ServerRecord } from '../state/records.ts';
import { commandLine, shellQuote } from '../system/command.ts';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';

/** @throws UsageError when the name is on record for another server, which could not be reached any more */
export function verifySameServer(record: ServerRecord, wanted: ServerSpec, context: Context): void {
  const known = record.spec;
  if (known.destination === wanted.destination && known.directory === wanted.directory) return;
  throw new UsageError(`the server "${wanted.name}" is in ${place(known)}, not in ${place(wanted)}`, {
    remedy: remedy(wanted, 'Stop that server first', context),
  });
}

/**
 * Notes the settings of the tunnel that do not apply because the server is already running.
 * @throws UsageError when a setting of the server itself is requested with another value
 */
export function verifySameSettings(wanted: ServerSpec, running: ServerSpec, context: Context): void {
  const onHost = unmetSettings(withoutSlash(wanted), withoutSlash(running), 'host');
  if (onHost.length > 0) {
    throw new UsageError(
      `"${wanted.name}" is already running on ${wanted.destination}, with a different ${onHost.join(', ')}`,
      {
        remedy: remedy(
          wanted,
          'To connect to the running server, leave out the changed settings. To apply them, stop the server first',
          context,
        ),
      },
    );
  }
  const here = unmetSettings(wanted, running, 'here');
  if (here.length > 0)
    context.report.note(`already running with a different ${here.join(', ')}; stop it first to apply yours`);
}

/** `venv/`, as Tab completes it, is the same environment as `venv`. */
function withoutSlash(spec: ServerSpec): ServerSpec {
  return { ...spec, environment: spec.environment.replace(/\/+$/, '') };
}

function place({ directory, destination }: ServerSpec): string {
  return `${directory === '' ? 'the home folder' : shellQuote(directory)} on ${destination}`;
}

/** What to do, with the command that starts the requested server beside the one that has its name. */
function remedy(wanted: ServerSpec, first: string, context: Context): string {
  const { name } = wanted;
  const { servers, article } = readState(context);
  const base = name.slice(0, 60);
  let number = 2;
  while (`${base}-${number}` in { ...servers, ...article }) number++;
  const second = startCommand({ ...wanted, name: `${base}-${number}` });
  return `${first}: remote-notebook stop ${name}\nOr start a second server: ${commandLine(second)}`;
}
