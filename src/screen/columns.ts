import stringWidth from 'fast-string-width';
import { oneLine } from '../system/one-line.ts';
import type { Terminal } from './terminal.ts';

interface Look {
  /** Adds colour to a cell. */
  readonly paint?: (cell: string, column: number) => string;
  /** Number of columns, from the left, that are always shown; a narrow terminal omits the last of the others. */
  readonly needed: number;
  /** Titles of the columns whose cells are shortened in the middle first, such as paths. */
  readonly shortened: readonly string[];
}

const GAP = '  ';
/** Minimum width of a shortened column. */
const SHORTEST = 12;

/** The lines of a table, titles first; a cell is one line, whatever name it contains. A column is as wide as its widest cell, or narrower on a narrow terminal. */
export function columns(
  titles: readonly string[],
  names: readonly (readonly string[])[],
  { paint = (cell) => cell, needed, shortened }: Look,
  { style, width }: Pick<Terminal, 'style' | 'width'>,
): string[] {
  const rows = names.map((row) => row.map(oneLine));
  const widest = titles.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map((cell) => stringWidth(cell))),
  );
  const least = widest.map((wide, column) =>
    shortened.includes(titles[column] ?? '') ? Math.min(wide, SHORTEST) : wide,
  );
  const count = titles.findLastIndex((_, last) => last < needed || total(least.slice(0, last + 1)) <= width);
  const widths = fitted(widest.slice(0, count + 1), least, width);
  const line = (row: readonly string[], paintCell: (cell: string, column: number) => string) =>
    widths
      .map((wide, column) => paintCell(fit(row[column] ?? '', wide), column))
      .join(GAP)
      .trimEnd();
  return [line(titles, (cell) => style.bold(cell)), ...rows.map((row) => line(row, paint))];
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
}

/** Makes the widest shortened column narrower until all columns fit. */
function fitted(widest: readonly number[], least: readonly number[], width: number): readonly number[] {
  const widths = [...widest];
  for (let excess = total(widths) - width; excess > 0; excess--) {
    const spare = widths.map((wide, column) => (wide > (least[column] ?? 0) ? wide : 0));
    const most = Math.max(...spare);
    if (most === 0) break;
    widths[spare.lastIndexOf(most)] = most - 1;
  }
  return widths;
}

/** A cell of this width; an emoji or a Chinese letter is two columns wide. */
function fit(cell: string, width: number): string {
  const text = stringWidth(cell) > width ? withoutMiddle(cell, width) : cell;
  return text + ' '.repeat(width - stringWidth(text));
}

function withoutMiddle(cell: string, width: number): string {
  const letters = Array.from(new Intl.Segmenter().segment(cell), ({ segment }) => segment);
  while (stringWidth(letters.join('')) >= width) letters.splice(Math.floor(letters.length / 2), 1);
  return letters.toSpliced(Math.ceil(letters.length / 2), 0, '…').join('');
}
