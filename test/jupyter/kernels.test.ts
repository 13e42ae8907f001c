import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelLabel, nameNotebooks, parseKernels } from '../../src/jupyter/kernels.ts';

const KERNEL = {
  id: 'a1b2c3d4-0000',
  name: 'python3',
  last_activity: '2026-01-02T03:04:05.678901Z',
  execution_state: 'idle',
  connections: 1,
};
const SESSION = { id: 's', path: 'work/plot.ipynb', type: 'notebook', kernel: KERNEL };

const named = (sessions: string) => nameNotebooks(parseKernels(JSON.stringify([KERNEL])) ?? [], sessions);

test('a kernel has the notebook of its session', () => {
  assert.deepEqual(named(JSON.stringify([SESSION])), [
    {
      id: 'a1b2c3d4-0000',
      notebook: 'work/plot.ipynb',
      name: 'python3',
      state: 'idle',
      lastActivity: '2026-01-02T03:04:05.678901Z',
    },
  ]);
});

test('a kernel without a valid session has no notebook', () => {
  for (const sessions of ['[]', '', '{"message": "no"}', JSON.stringify([{ ...SESSION, kernel: null }])])
    assert.equal(named(sessions)[0]?.notebook, null);
});

test('the JSON has the exact name of a notebook, and users see it without control characters', () => {
  const path = 'a\x1b[2Jb\nc\x9b\u202excod\u2066.ipynb';
  const [kernel] = named(JSON.stringify([{ ...SESSION, path }]));
  assert.ok(kernel);
  assert.equal(kernel.notebook, path);
  assert.equal(kernelLabel(kernel), 'a\ufffd[2Jb\ufffdc\ufffd\ufffdxcod\ufffd.ipynb');
});

test('a response that is not valid contains no kernels', () => {
  for (const answer of [
    '',
    '<html>',
    '{}',
    '[{"id": 1}]',
    JSON.stringify([{ ...KERNEL, last_activity: 'x' }]),
  ])
    assert.equal(parseKernels(answer), undefined);
});
