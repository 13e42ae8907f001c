import stringWidth from 'fast-string-width';
import { elapsed } from '../model/elapsed.ts';
import type { RunStatus } from '../model/run.ts';
import { oneLine } from '../system/one-line.ts';
import { cellsOf } from './run-lines.ts';
import type { Terminal } from './terminal.ts';

/** How often the times below the output are drawn again. */
const TICK_MS = 500;
/** The columns of the bar. */
const BAR_WIDTH = 30;

/** What is known of a run that is followed. Times are in milliseconds since 1970, by the clock of this machine. */
export interface Progress {
  readonly cells: number;
  /** When the run began. */
  readonly since: number;
  /** The current cell, its number from 1; undefined before the first one. */
  readonly cell: { readonly number: number; readonly title: string; readonly since: number } | undefined;
  /** What was printed last: a line, or the beginning of one. */
  readonly last: string;
}

/** The lines below the output: a bar over the cells, the title of the current one and its time, and what was printed last. */
export function progressLines({ cells, since, cell, last }: Progress, width: number, now: number): string[] {
  const done = cell ? cell.number - 1 : 0;
  const filled = cells > 0 ? Math.round((BAR_WIDTH * done) / cells) : 0;
  const bar = `${'━'.repeat(filled)}${'╌'.repeat(BAR_WIDTH - filled)}`;
  const time = cell ? `  ${elapsed(cell.since, now)}` : '';
  const title = cell ? `cell ${cell.number}: ${oneLine(cell.title)}` : 'starting';
  return [
    `${bar}  ${cellsOf({ done, cells })}  ${elapsed(since, now)}`,
    `${cut(title, width - time.length)}${time}`,
    ...(last === '' ? [] : [oneLine(last)]),
  ].map((line) => cut(line, width));
}

/** The beginning of a line, in this number of columns. */
function cut(line: string, width: number): string {
  if (stringWidth(line) <= width) return line;
  let text = '';
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    if (stringWidth(text + segment) >= width) break;
    text += segment;
  }
  return `${text}…`;
}

/** The title of a cell as the driver writes it: see run_cells in driver.py. */
const TITLE = /^--- cell (\d+) of (\d+): (.*)$/;

/** What a line adds to the progress. @param line without its line break; a carriage return begins it again */
export function after(progress: Progress, line: string, now: number): Progress {
  const [, number, cells, title = ''] = TITLE.exec(line) ?? [];
  // How many cells there are is known of a job in the queue only when it begins.
  const isFirst = progress.cells === 0 && number === '1';
  if (number !== undefined && (isFirst || Number(cells) === progress.cells))
    return {
      cells: Number(cells),
      since: isFirst ? now : progress.since,
      cell: { number: Number(number), title, since: now },
      last: '',
    };
  const shown = overwritten(line);
  return shown.trim() === '' ? progress : { ...progress, last: shown };
}

/** What stays visible of a line in which carriage returns begin it again. */
function overwritten(line: string): string {
  return line.replace(/\r+$/, '').replace(/^.*\r/s, '');
}

/** The progress of a run when it begins to be followed. */
function progressIn({ cells, cell, startedAt }: RunStatus, now: number): Progress {
  const at = (time: string | null) => (time === null ? now : Date.parse(time));
  const current = cell && { number: cell.number, title: cell.title ?? '', since: at(cell.since) };
  return { cells, since: at(startedAt), cell: current ?? undefined, last: '' };
}

/** Prints what a run prints, and on a terminal its progress below. What its job waits for is a note. */
export class RunProgress {
  readonly #terminal: Terminal;
  readonly #timer: NodeJS.Timeout | undefined;
  #progress: Progress | undefined;
  #noted = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    if (terminal.footerWidth > 0) this.#timer = setInterval(() => this.#draw(), TICK_MS);
  }

  readonly print = (line: string): Promise<void> | void => {
    this.begun(line);
    const { isJson, width, print } = this.#terminal;
    // Only a terminal has a width that ends.
    return isJson ? undefined : print(Number.isFinite(width) ? overwritten(line) : line);
  };

  /** A part of a line. */
  readonly begun = (text: string): void => {
    this.#progress &&= after(this.#progress, text, Date.now());
  };

  readonly status = (status: RunStatus): void => {
    this.#progress = progressIn(status, Date.now());
    if (status.state === 'queued') this.#noteWait(status);
    this.#draw();
  };

  /** Removes what is below the output. */
  end(): void {
    clearInterval(this.#timer);
    this.#terminal.footer([]);
  }

  /** A scheduler often expects another start for the same reason. */
  #noteWait({ why, job }: RunStatus): void {
    const reason = job?.reason ?? 'queued';
    if (reason !== this.#noted) this.#terminal.context.report.note(why ?? 'queued');
    this.#noted = reason;
  }

  #draw(): void {
    const width = this.#terminal.footerWidth;
    if (width > 0 && this.#progress) this.#terminal.footer(progressLines(this.#progress, width, Date.now()));
  }
}
