import type { HostListing, ListedServer } from '../model/listing.ts';
import { columns } from './columns.ts';
import { elapsed } from './kernel-lines.ts';
import type { Terminal } from './terminal.ts';

const COLUMNS = ['PID', 'PORT', 'SERVER', 'UP', 'NAME', 'STARTED BY', 'DIRECTORY'] as const;
const NEEDED = COLUMNS.indexOf('NAME') + 1;
const SHORTENED = ['PORT', 'SERVER', 'STARTED BY', 'DIRECTORY'];

/** The lines of `status --all`: a row for each server of the host, and below them notes about other files. */
export function serverTable(
  listing: HostListing,
  terminal: Pick<Terminal, 'style' | 'width'>,
  nowMs: number,
): string[] {
  const { destination, servers } = listing;
  const table =
    servers.length === 0
      ? [`You have no running Jupyter servers on ${destination}.`]
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
  if (startedBy === 'other') return 'another program';
  return startedFrom === null ? startedBy : `${startedBy} on ${startedFrom}`;
}

function notes({ node, elsewhere, absent, unreadable }: HostListing): string[] {
  return [
    ...elsewhere.map((spec) => `"${spec.name}" was started on ${spec.node}, not on ${node}.`),
    ...absent.map((file) => `Not running on ${node} (it crashed, or runs on another node): ${file}`),
    ...unreadable.map((file) => `Not a runtime file of yours: ${file}`),
  ];
}

/** The name of a folder can contain any character. */
function onOneLine(text: string): string {
  return text.replace(/[\n\r\t]/g, '\ufffd');
}
