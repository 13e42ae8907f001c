import { elapsed } from '../model/elapsed.ts';
import type { ServerStatus } from '../model/status.ts';
import { columns } from './columns.ts';
import { jobCell, jobWarnings } from './job-cell.ts';
import { deathsLine, kernelLine } from './kernel-lines.ts';
import { size } from './size.ts';
import type { Style, Terminal } from './terminal.ts';

const COLUMNS = ['NAME', 'SERVER', 'TUNNEL', 'URL', 'UP', 'KERNELS', 'HOST', 'DIRECTORY'] as const;
const SERVER_COLUMN = COLUMNS.indexOf('SERVER');
const TUNNEL_COLUMN = COLUMNS.indexOf('TUNNEL');
/** The columns up to the URL are always shown in full. */
const NEEDED = COLUMNS.indexOf('URL') + 1;
const SHORTENED = ['HOST', 'DIRECTORY'];

/** The lines of a status: a row for each server, and below it its kernels and problems. */
export function statusTable(
  servers: readonly ServerStatus[],
  terminal: Pick<Terminal, 'style' | 'width'>,
  nowMs: number,
): string[] {
  const { style } = terminal;
  const rows = servers.map((status) => cells(status, nowMs));
  const paint = (cell: string, column: number) =>
    column === SERVER_COLUMN || column === TUNNEL_COLUMN ? stateColour(cell, style) : cell;
  const [titles = '', ...lines] = columns(
    COLUMNS,
    rows,
    { paint, needed: NEEDED, shortened: SHORTENED },
    terminal,
  );
  const body = servers.flatMap((status, index) => [
    lines[index] ?? '',
    ...(status.jupyter.kernels ?? []).map((kernel) => style.dim(`  ${kernelLine(kernel, nowMs)}`)),
    ...(status.jupyter.deaths ?? []).map((deaths) =>
      style.dim(`  ${deathsLine(deaths, status.jupyter.kernels ?? [], nowMs)}`),
    ),
    ...problems(status, nowMs).map((problem) => style.dim(`  ${problem}`)),
  ]);
  return [titles, ...body];
}

function cells(status: ServerStatus, nowMs: number): string[] {
  const { jupyter: server, tunnel } = status;
  const roundTrip = server.roundTripMs === null ? '' : ` ${server.roundTripMs} ms`;
  return [
    status.name,
    status.job ? jobCell(server.state, status.job, nowMs) : `${server.state}${roundTrip}`,
    tunnelCell(tunnel, nowMs),
    status.url ?? '-',
    server.state === 'running' && server.startedAt ? elapsed(server.startedAt, nowMs) : '-',
    server.kernels === null ? '-' : String(server.kernels.length),
    status.destination,
    status.directory || '~',
  ];
}

function tunnelCell(tunnel: ServerStatus['tunnel'], nowMs: number): string {
  const { state, tries, nextTryAt } = tunnel;
  if (state === 'connected') return [state, ...morePorts(tunnel)].join(' ');
  if (state !== 'reconnecting' || tries === null) return state;
  const seconds = nextTryAt === null ? 0 : Math.max(0, Math.ceil((Date.parse(nextTryAt) - nowMs) / 1000));
  return `${state} (try ${tries}, ${seconds === 0 ? 'now' : `in ${seconds} s`})`;
}

/** Maximum number of additional ports shown; `--json` has all. */
const PORTS_SHOWN = 2;

/** The additional local ports: `+6006`. */
function morePorts({ forwards, down }: ServerStatus['tunnel']): string[] {
  const up = forwards.slice(1).filter((forward) => !down.includes(forward));
  const ports = up.map((forward) => `+${/^(?:\[.*?\]|[^:]+):(\d+)/.exec(forward)?.[1]}`);
  return ports.length > PORTS_SHOWN + 1
    ? [...ports.slice(0, PORTS_SHOWN), `+${ports.length - PORTS_SHOWN} more`]
    : ports;
}

/** The problems of a server, and what to do. */
function problems(status: ServerStatus, nowMs: number): string[] {
  const { name, state, jupyter: server, tunnel, job } = status;
  const lines = [
    ...tunnel.down.map((forward) => `local port for ${forward} is in use; retrying`),
    ...absence(status, nowMs),
  ];
  if (state !== 'connected' && state !== 'closed' && tunnel.reason) lines.push(tunnel.reason);
  if (tunnel.remedy) lines.push(tunnel.remedy, `Then reconnect with: remote-notebook start ${name}`);
  else if (state === 'needs-login' || state === 'failed')
    lines.push(`Reconnect with: remote-notebook forward ${name}`);
  if (server.reason) lines.push(server.reason);
  lines.push(...jobWarnings(server.state, job, nowMs));
  const reconnect = tunnel.wanted
    ? 'Reconnect with'
    : 'The tunnel was closed with stop --keep-server; reconnect with';
  if (state === 'closed') lines.push(`${reconnect}: remote-notebook start ${name}`);
  if (server.state !== 'stopped') return lines;
  const gone = `The server is gone. Start it again: remote-notebook start ${name}`;
  if (server.log.length === 0) return [...lines, gone];
  return [...lines, gone, 'The end of its log:', ...server.log.map((line) => `  ${line}`)];
}

/** For how long there has been no connection, and what is sent when there is one again; or what this tunnel cannot do. */
function absence({ destination, tunnel }: ServerStatus, nowMs: number): string[] {
  const { state, since, buffered, resumes } = tunnel;
  if (state === 'connected' && resumes === false)
    return [
      `no relay is running on ${destination}: if the connection is lost, your open pages have to connect again`,
    ];
  if (state === 'closed' || state === 'connected' || since === null) return [];
  const kept = buffered ? `; ${size(buffered)} from this machine will be sent when it is back` : '';
  return [`no connection to ${destination} for ${elapsed(since, nowMs)}${kept}`];
}

function stateColour(cell: string, style: Style): string {
  if (/^(running|connected)/.test(cell)) return style.green(cell);
  return /^(stopped|failed|needs-login)/.test(cell) ? style.red(cell) : style.yellow(cell);
}
