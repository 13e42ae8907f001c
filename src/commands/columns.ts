import type { Style } from './terminal.ts';

/**
 * Lines of a table, the titles first, in columns as wide as their widest cell. Colours come after the measuring.
 * @param paint how a cell of a row looks
 */
export function columns(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
  paint: (cell: string, column: number) => string = (cell) => cell,
): string[] {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[], paintCell: typeof paint) =>
    row
      .map((cell, column) => paintCell(cell.padEnd(widths[column] ?? 0), column))
      .join('  ')
      .trimEnd();
  return [line(titles, (cell) => style.bold(cell)), ...rows.map((row) => line(row, paint))];
}
