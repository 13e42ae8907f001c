import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columns } from '../../src/screen/columns.ts';
import { makeStyle } from '../../src/screen/terminal.ts';

test('a letter that is two columns wide on a terminal is measured as two', () => {
  const rows = [
    ['日本語', 'x'],
    ['🎉', 'x'],
    ['a', 'x'],
    ['e\u0301', 'x'],
  ];
  const lines = columns(
    ['T', 'X'],
    rows,
    { needed: 2, shortened: [] },
    { style: makeStyle(false), width: 80 },
  );
  assert.deepEqual(lines, ['T       X', '日本語  x', '🎉      x', 'a       x', 'e\u0301       x']);
});

test('a shortened cell has the width of its column on a terminal', () => {
  const look = { needed: 1, shortened: ['DIRECTORY'] };
  const rows = [['日本語'.repeat(9)], ['a'.repeat(40)]];
  const lines = columns(['DIRECTORY'], rows, look, { style: makeStyle(false), width: 14 });
  assert.deepEqual(lines.slice(1), ['日本語…日本語', `${'a'.repeat(7)}…${'a'.repeat(6)}`]);
});

test('shortening a cell splits no letter', () => {
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
