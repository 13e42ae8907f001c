import type { ServerStatus } from '../model/status.ts';
import { columns } from './columns.ts';
import { elapsed, kernelLine } from './kernel-lines.ts';
import type { Style, Terminal } from './terminal.ts';

const COLUMNS = ['NAME', 'SERVER', 'TUNNEL', 'URL', 'UP', 'KERNELS', 'HOST', 'DIRECTORY'] as const;
const SERVER_COLUMN = COLUMNS.indexOf('SERVER');
const TUNNEL_COLUMN = COLUMNS.indexOf('TUNNEL');
/** A URL is there to be copied, and a state to be read. */
const NEEDED = COLUMNS.indexOf('URL') + 1;
const SHORTENED = ['HOST', 'DIRECTORY'];

/**
 * The lines of a status: a row for each server, in columns, and below it its kernels and what is wrong with it.
 * @param nowMs for the times since and until
 */
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
    ...troubles(status).map((trouble) => style.dim(`  ${trouble}`)),
  ]);
  return [titles, ...body];
}

function cells(status: ServerStatus, nowMs: number): string[] {
  const { jupyter: server, tunnel } = status;
  const roundTrip = server.roundTripMs === null ? '' : ` ${server.roundTripMs} ms`;
  return [
    status.name,
    `${server.state}${roundTrip}`,
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

/** So many further ports are named; `--json` has them all. */
const PORTS_SHOWN = 2;

/** The ports of this machine that lead elsewhere than to the server: `+6006`. */
function morePorts({ forwards, down }: ServerStatus['tunnel']): string[] {
  const up = forwards.slice(1).filter((forward) => !down.includes(forward));
  const ports = up.map((forward) => `+${/^(?:\[.*?\]|[^:]+):(\d+)/.exec(forward)?.[1]}`);
  return ports.length > PORTS_SHOWN + 1
    ? [...ports.slice(0, PORTS_SHOWN), `+${ports.length - PORTS_SHOWN} more`]
    : ports;
}

/** What is not as it should be, and whose words say so. */
function troubles({ name, state, jupyter: server, tunnel }: ServerStatus): string[] {
  const lines = tunnel.down.map((forward) => `no port for ${forward}; it is tried again and again`);
  if (state !== 'connected' && state !== 'closed' && tunnel.reason) lines.push(tunnel.reason);
  if (state === 'needs-login' || state === 'failed')
    lines.push(`Connect again: remote-notebook forward ${name}`);
  if (server.reason) lines.push(server.reason);
  if (state === 'closed')
    lines.push(
      `${tunnel.wanted ? 'Bring it up again' : 'Its server was left to run; join it again'}: remote-notebook start ${name}`,
    );
  if (server.state !== 'stopped') return lines;
  const gone = `The server is gone. Start it again: remote-notebook start ${name}`;
  if (server.log.length === 0) return [...lines, gone];
  return [...lines, gone, 'The end of its log:', ...server.log.map((line) => `  ${line}`)];
}

function stateColour(cell: string, style: Style): string {
  if (/^(running|connected)/.test(cell)) return style.green(cell);
  return /^(stopped|failed|needs-login)/.test(cell) ? style.red(cell) : style.yellow(cell);
}
