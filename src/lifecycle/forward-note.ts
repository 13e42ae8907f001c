import type { HostServer } from '../host/server-record.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { JoinedRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';

/** Where a server listens on its host, and why, if that is not where it was requested. */
function hostPortNote(wanted: ServerSpec, found: HostServer): string | undefined {
  const { holder, record, joined, noSocket } = found;
  const { port, destination } = wanted;
  if (record.port === (port ?? 0) || (joined && port === undefined)) return undefined;
  if (record.port === 0)
    return `the server listens on a private socket of ${destination}, not on port ${port}`;
  if (port === undefined)
    return `Jupyter listens on port ${record.port} of ${destination}, not on a private socket: ${noSocket}`;
  const why = holder === undefined ? '' : `: port ${port} is in use by ${holder}`;
  return `Jupyter listens on port ${record.port} of ${destination}${why}`;
}

/**
 * Notes in one line where the server is, if that is not what was requested, and in another one that its tunnel cannot
 * resume. --verbose shows each port that was tried.
 */
export function noteForward(
  found: HostServer,
  taken: readonly string[],
  { spec, forwards }: JoinedRecord,
  { report }: Context,
): void {
  const [first, ...others] = taken;
  const here = first === undefined ? undefined : `${first}; using ${forwards.own.localPort}`;
  const note = [hostPortNote(spec, found), here].filter((part) => part !== undefined).join('; ');
  if (note !== '') report.note(note, others);
  if (found.relay === undefined)
    report.note(
      `no relay could be started on ${spec.destination} (it needs Python 3.8 and a private folder in $TMPDIR): if the connection is lost, your open pages have to connect again`,
    );
}
