import type { Terminal } from './terminal.ts';

interface Look {
  /** How a cell of a column looks. */
  readonly paint?: (cell: string, column: number) => string;
  /** The titles of the columns that are shortened on a terminal too narrow for all; the others stay whole. */
  readonly shortened: readonly string[];
}

/**
 * Lines of a table, the titles first, in columns as wide as their widest cell, or as a narrow terminal has room for.
 * Colours come after the measuring.
 */
export function columns(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  { paint = (cell) => cell, shortened }: Look,
  { style, width }: Pick<Terminal, 'style' | 'width'>,
): string[] {
  const widest = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const mayShrink = titles.map((title) => shortened.includes(title));
  const widths = fitted(widest, mayShrink, width - GAP.length * (titles.length - 1));
  const line = (row: readonly string[], paintCell: (cell: string, column: number) => string) =>
    row
      .map((cell, column) => paintCell(short(cell, widths[column] ?? 0), column))
      .join(GAP)
      .trimEnd();
  return [line(titles, (cell) => style.bold(cell)), ...rows.map((row) => line(row, paint))];
}

const GAP = '  ';

/** The widest one that may shrink does, again and again, until all have room; as they were where that cannot be. */
function fitted(widest: readonly number[], mayShrink: readonly boolean[], room: number): readonly number[] {
  const widths = [...widest];
  for (let excess = widest.reduce((sum, width) => sum + width, -room); excess > 0; excess--) {
    const most = Math.max(...widths.filter((_, column) => mayShrink[column]));
    if (most <= 1) return widest;
    widths[widths.findLastIndex((width, column) => mayShrink[column] && width === most)] = most - 1;
  }
  return widths;
}

/** A cell of that width. What is too long loses its middle: a path or the name of a host tells most at its ends. */
function short(cell: string, width: number): string {
  if (cell.length <= width) return cell.padEnd(width);
  const end = Math.floor((width - 1) / 2);
  return `${cell.slice(0, width - 1 - end)}…${cell.slice(cell.length - end)}`;
}
