import type { HostListing, ListedServer } from '../model/listing.ts';
import { columns } from './columns.ts';
import { elapsed } from './kernel-lines.ts';
import type { Terminal } from './terminal.ts';

const COLUMNS = ['PID', 'PORT', 'SERVER', 'UP', 'NOTEBOOK', 'STARTED BY', 'DIRECTORY'] as const;
const NEEDED = COLUMNS.indexOf('NOTEBOOK') + 1;
/** A port may be the path of a socket. */
const SHORTENED = ['PORT', 'SERVER', 'STARTED BY', 'DIRECTORY'];

/**
 * The lines of `status --all`: a row for each server of the host, and below them what may be one, but not here.
 * @param nowMs for the times since
 */
export function serverTable(
  listing: HostListing,
  terminal: Pick<Terminal, 'style' | 'width'>,
  nowMs: number,
): string[] {
  const { destination, servers } = listing;
  const table =
    servers.length === 0
      ? [`No Jupyter server of yours runs on ${destination}.`]
      : columns(
          COLUMNS,
          servers.map((server) => serverCells(server, nowMs).map(onOneLine)),
          { needed: NEEDED, shortened: SHORTENED },
          terminal,
        );
  return [...table, ...notes(listing).map((note) => terminal.style.dim(onOneLine(note)))];
}

function serverCells(server: ListedServer, nowMs: number): string[] {
  return [
    String(server.pid),
    server.socket ?? String(server.port ?? '-'),
    [server.command ?? 'jupyter', server.version].filter(Boolean).join(' '),
    server.startedAt === null ? '-' : elapsed(server.startedAt, nowMs),
    server.names.join(', ') || '-',
    starter(server),
    server.directory ?? '-',
  ];
}

function starter({ startedBy, startedFrom }: ListedServer): string {
  if (startedBy === 'other') return 'something else';
  return startedFrom === null ? startedBy : `${startedBy} on ${startedFrom}`;
}

function notes({ node, elsewhere, absent, unreadable }: HostListing): string[] {
  const away = elsewhere.map((spec) => `"${spec.name}" was started on ${spec.node}, and this is ${node}.`);
  const gone = absent.map(
    (file) => `Not on ${node} (a crash left it, or another node with this home folder has it): ${file}`,
  );
  return [...away, ...gone, ...unreadable.map((file) => `Not a runtime file of yours: ${file}`)];
}

/** The names of folders may hold anything. */
function onOneLine(text: string): string {
  return text.replace(/[\n\r\t]/g, '\ufffd');
}
