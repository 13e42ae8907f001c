import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columns } from '../../src/screen/columns.ts';
import { makeStyle } from '../../src/screen/terminal.ts';

test('a cell that loses its middle keeps its letters whole', () => {
  const look = { needed: 1, shortened: ['DIRECTORY'] };
  for (let letters = 5; letters < 12; letters++) {
    for (const width of [12, 13, 14, 15]) {
      const lines = columns(['DIRECTORY', 'X'], [[`${'a'.repeat(letters)}${'🎉'.repeat(9)}`, 'y']], look, {
        style: makeStyle(false),
        width: width + 3,
      });
      assert.ok(
        lines.every((line) => !/\p{Cs}/u.test(line)),
        lines[1],
      );
      assert.ok(lines[1]?.endsWith('  y'));
      assert.equal(lines[1]?.length, width + 3);
    }
  }
});
