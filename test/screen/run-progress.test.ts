import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, type Progress, progressLines } from '../../src/screen/run-progress.ts';

/** What a terminal shows below the output of a run that is followed. */

const BEGUN: Progress = { cells: 12, since: 0, cell: undefined, last: '' };
const read = (lines: readonly string[], now = 0) =>
  lines.reduce((progress, line) => after(progress, line, now), BEGUN);

test('the progress is a bar over the cells, the title of the current one with its time, and the last output', () => {
  const progress = read(['--- cell 7 of 12: model.fit(x, y)', 'epoch 1', ' 10%|#   |\r 20%|##  |\r'], 60_000);
  assert.deepEqual(progressLines(progress, 100, 3_600_000), [
    `${'━'.repeat(15)}${'╌'.repeat(15)}  6 of 12 cells (50 %)  1 h`,
    'cell 7: model.fit(x, y)  59 min',
    ' 20%|##  |',
  ]);
});

test('the progress begins before the first cell, and a new cell begins without output', () => {
  assert.deepEqual(progressLines(BEGUN, 100, 5000), [
    `${'╌'.repeat(30)}  0 of 12 cells (0 %)  5 s`,
    'starting',
  ]);
  const next = read(['--- cell 1 of 12: x', 'seen', '--- cell 2 of 12: y']);
  assert.deepEqual([next.cell?.number, next.last], [2, '']);
});

test('a cell that prints something like a title of another notebook does not move the bar', () => {
  assert.equal(read(['--- cell 3 of 12: x', '--- cell 1 of 99: forged']).cell?.number, 3);
});

test('no line is wider than the terminal, and control characters have no effect', () => {
  const progress = read([`--- cell 1 of 12: ${'長'.repeat(80)}`, `\x1b[2J${'x'.repeat(300)}`]);
  const lines = progressLines(progress, 40, 0);
  assert.equal(lines.length, 3);
  for (const line of lines) assert.ok(line.length <= 40 && !line.includes('\x1b'), line);
  assert.match(lines[1] ?? '', /^cell 1: 長+… {2}0 s$/);
});
