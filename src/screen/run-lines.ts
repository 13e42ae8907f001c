import { elapsed } from '../model/elapsed.ts';
import { hasEnded, hasNotebook, type RunStatus } from '../model/run.ts';
import { oneLine } from '../system/one-line.ts';
import { columns } from './columns.ts';
import { jobCell } from './job-cell.ts';
import type { Style, Terminal } from './terminal.ts';

const COLUMNS = ['RUN', 'STATE', 'CELLS', 'TIME', 'HOST', 'DIRECTORY'] as const;
const STATE_COLUMN = COLUMNS.indexOf('STATE');

/**
 * A row for each run, and below it why it failed.
 * @param referenceOf how commands name a run, if not by its name
 */
export function runTable(
  runs: readonly RunStatus[],
  terminal: Pick<Terminal, 'style' | 'width'>,
  referenceOf: (run: RunStatus) => string = ({ name }) => name,
): string[] {
  const { style } = terminal;
  const nowMs = Date.now();
  const rows = runs.map((run) => [
    run.name,
    run.job ? jobCell(run.state, run.job, nowMs) : run.state,
    progressIn(run),
    durationOf(run),
    run.destination,
    run.directory || '~',
  ]);
  const paint = (cell: string, column: number) => (column === STATE_COLUMN ? colour(cell, style) : cell);
  const look = { paint, needed: COLUMNS.indexOf('TIME') + 1, shortened: ['HOST', 'DIRECTORY'] };
  const [titles = '', ...lines] = columns(COLUMNS, rows, look, terminal);
  const body = runs.flatMap((run, index) => [
    lines[index] ?? '',
    ...detailsOf(run, referenceOf(run)).map((line) => style.dim(`  ${line}`)),
  ]);
  return [titles, ...body];
}

/** How far a run is: `7 of 12 (58 %)`, or with a unit `7 of 12 cells (58 %)`. */
function progressIn({ done, cells }: Progress, unit = ''): string {
  return cells === 0 ? '-' : `${done} of ${cells}${unit} (${Math.floor((100 * done) / cells)} %)`;
}

type Progress = Pick<RunStatus, 'done' | 'cells'>;

/** How many cells of a run are done: `7 of 12 cells (58 %)`. */
export function cellsOf(run: Progress): string {
  return run.cells === 0 ? 'no cell was executed' : progressIn(run, ' cells');
}

function durationOf({ startedAt, elapsedSeconds }: RunStatus): string {
  if (startedAt === null || elapsedSeconds === null) return '-';
  return elapsed(startedAt, Date.parse(startedAt) + elapsedSeconds * 1000);
}

/** What there is to know about a run besides its state, and what the user can do. */
function detailsOf(run: RunStatus, reference: string): string[] {
  const { cell, kept } = run;
  const title = cell?.title ? `: ${oneLine(cell.title)}` : '';
  const where = cell && (!hasEnded(run) || run.state !== 'done') ? [`cell ${cell.number}${title}`] : [];
  return [
    ...where,
    ...reasons(run, reference),
    ...(kept ? [`its kernel is kept; look at its variables: remote-notebook console ${reference}`] : []),
    ...(hasEnded(run) && hasNotebook(run) ? [`Its notebook: remote-notebook fetch ${reference}`] : []),
  ];
}

/** Why a run ended, in sentences for people. @param reference how commands name it */
export function reasons(run: RunStatus, reference = run.name): string[] {
  const { state, error, why, words, node } = run;
  const said = [
    ...(error ? [`${error.name}: ${error.value}`.replace(/: $/, '')] : []),
    ...(why ? [state === 'kernel-died' ? `the kernel died: ${why}` : why] : []),
    ...(words ? [`the last line that the kernel printed: ${words}`] : []),
  ];
  const known: Partial<Record<RunStatus['state'], string>> = {
    waiting: 'everything is computed; it waits until there is room on the disk of the host to save it',
    elsewhere: `it is on ${node}; use that as the destination`,
    lost: `its driver was killed, and had no time to write why; end what it has left: remote-notebook stop ${reference}`,
    rebooted: 'the host was restarted',
    timeout: 'a cell took longer than --cell-timeout',
  };
  const more = known[state];
  return (more === undefined || (run.job && why) ? said : [...said, more]).map(oneLine);
}

/** @param cell a state, perhaps with more about its job */
function colour(cell: string, style: Style): string {
  if (/^(done|running)\b/.test(cell)) return style.green(cell);
  const isOpen = /^(queued|starting|waiting|stopping|elsewhere|cancelled)\b/.test(cell);
  return isOpen ? style.yellow(cell) : style.red(cell);
}
