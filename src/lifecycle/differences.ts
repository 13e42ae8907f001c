import type { HostServer } from '../host/server-record.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { unmetSettings } from '../model/settings.ts';
import type { ServerRecord } from '../state/records.ts';
import { shellQuote } from '../system/command.ts';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';

/** A record answers for its name: another server under the same one would make the first unreachable. */
export function verifySameServer(record: ServerRecord, wanted: ServerSpec): void {
  const known = record.spec;
  const differing = (['destination', 'directory'] as const).find((key) => known[key] !== wanted[key]);
  if (!differing) return;
  throw new UsageError(`"${wanted.name}" is ${place(known)}, and not ${place(wanted)}`, {
    remedy: `Stop that one first (remote-notebook stop ${wanted.name}), or give this one a --name of its own.`,
  });
}

function place({ directory, destination }: ServerSpec): string {
  return `${directory === '' ? 'the home folder' : shellQuote(directory)} on ${destination}`;
}

/** Says which settings a server that runs already was started without. */
export function noteUnmet(wanted: ServerSpec, has: ServerSpec, context: Context): void {
  const unmet = unmetSettings(wanted, has);
  if (unmet.length > 0)
    context.report.note(`it runs already, with another ${unmet.join(', ')}: stop it first to have yours`);
}

/** Says what of the running server is not as it was asked for: it was started by another command line. */
export function noteDifferences(wanted: ServerSpec, found: HostServer, context: Context): void {
  const { holder, info, joined, environment, command } = found;
  const { port, destination } = wanted;
  if (holder) context.report.note(`port ${port} of ${destination} is taken by ${holder}`);
  if (info.port !== port && info.port !== 0)
    context.report.note(`the server listens on port ${info.port} of ${destination}, not on ${port}`);
  // Its host tells no more of it.
  if (joined) noteUnmet(wanted, { ...wanted, environment, command }, context);
}
