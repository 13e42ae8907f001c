import { elapsed } from '../model/elapsed.ts';
import type { HostListing, HostReport, ListedServer } from '../model/listing.ts';
import { oneLine } from '../system/one-line.ts';
import { columns } from './columns.ts';
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
          servers.map((server) => serverCells(server, nowMs)),
          { needed: NEEDED, shortened: SHORTENED },
          terminal,
        );
  return [...table, ...notes(listing).map((note) => terminal.style.dim(oneLine(note)))];
}

/** The lines of `status --all` for several hosts: each row has its host, and a host that failed has a line. */
export function hostsTable(
  reports: readonly HostReport[],
  terminal: Pick<Terminal, 'style' | 'width'>,
  nowMs: number,
): string[] {
  const listings = reports.filter((report) => 'servers' in report);
  const rows = listings.flatMap(({ destination, servers }) =>
    servers.map((server) => [destination, ...serverCells(server, nowMs)]),
  );
  const look = { needed: NEEDED + 1, shortened: SHORTENED };
  const empty = listings.filter(({ servers }) => servers.length === 0).map(({ destination }) => destination);
  return [
    ...(rows.length === 0 ? [] : columns(['HOST', ...COLUMNS], rows, look, terminal)),
    ...(empty.length === 0 ? [] : [`You have no running Jupyter servers on ${empty.join(', ')}.`]),
    ...listings.flatMap((listing) =>
      notes(listing).map((note) => terminal.style.dim(oneLine(`${listing.destination}: ${note}`))),
    ),
    ...reports.flatMap((report) =>
      'error' in report ? [terminal.style.red(oneLine(`${report.destination}: ${report.error}`))] : [],
    ),
  ];
}

function serverCells(server: ListedServer, nowMs: number): string[] {
  return [
    String(server.pid),
    server.socket ?? String(server.port ?? '-'),
    programOf(server),
    server.startedAt === null ? '-' : elapsed(server.startedAt, nowMs),
    server.names.join(', ') || '-',
    starter(server),
    server.directory ?? '-',
  ];
}

/** A runtime file contains the version of jupyter_server, which is not that of JupyterLab or the notebook. */
function programOf({ command, version }: ListedServer): string {
  const name = command ?? 'jupyter';
  if (version === null) return name;
  return name === 'jupyter server' ? `${name} ${version}` : `${name} (server ${version})`;
}

function starter({ startedBy, startedFrom }: ListedServer): string {
  if (startedBy === 'other') return 'another program';
  return startedFrom === null ? startedBy : `${startedBy} on ${startedFrom}`;
}

function notes({ node, elsewhere, absent, unreadable }: HostListing): string[] {
  return [
    ...elsewhere.map((spec) => `"${spec.name}" was started on ${spec.node}, not on ${node}.`),
    ...absent.map(
      (file) =>
        `No server is running on ${node} for the runtime file ${file} (it crashed, or runs on another node).`,
    ),
    ...unreadable.map((file) => `Ignored, because it is not a Jupyter runtime file of yours: ${file}`),
  ];
}
