import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentPage, documentParts } from '../../src/jupyter/documents.ts';
import { UsageError } from '../../src/system/errors.ts';

test('a document is named relative to the directory of its server, or by its whole path', () => {
  const cases: [string, string[]][] = [
    ['a.ipynb', ['a.ipynb']],
    ['./my plots//ä #1?.ipynb', ['my plots', 'ä #1?.ipynb']],
    ['sub/../a.ipynb', ['a.ipynb']],
    ['/data/work/sub/a.ipynb', ['sub', 'a.ipynb']],
    ['~/a.ipynb', ['~', 'a.ipynb']],
  ];
  for (const [document, parts] of cases) assert.deepEqual(documentParts(document, '/data/work'), parts);
  assert.deepEqual(documentParts('/etc/hosts', '/'), ['etc', 'hosts']);
});

test('a path that leaves the directory, names nothing or has control characters is refused', () => {
  for (const document of [
    '../a.ipynb',
    'sub/../../a.ipynb',
    '/data/workshop/a.ipynb',
    '/data/work/../a.ipynb',
    '',
    '.',
    'sub/..',
    'a\n.ipynb',
    'a\u202e.ipynb',
  ])
    assert.throws(() => documentParts(document, '/data/work'), UsageError, JSON.stringify(document));
});

test('a path that leaves any directory is refused before the directory is known', () => {
  assert.throws(() => documentParts('../a.ipynb', undefined), /outside the directory of the server/);
  assert.deepEqual(documentParts('/anywhere/a.ipynb', undefined), []);
});

test('each interface has its own page for a notebook, a file and a folder', () => {
  const pages = (landing: string, command = 'start') =>
    (['notebook', 'file', 'directory'] as const).map((type) =>
      documentPage(landing, command, type, ['my plots', 'ä#']),
    );
  const name = 'my%20plots/%C3%A4%23';
  for (const landing of ['lab', 'lab/', 'lab/tree/welcome.ipynb', 'lab/workspaces/x'])
    assert.deepEqual(pages(landing), Array(3).fill(`lab/tree/${name}`), landing);
  for (const landing of ['tree', 'tree/sub', 'notebooks/tree.ipynb'])
    assert.deepEqual(pages(landing), [`notebooks/${name}`, `edit/${name}`, `tree/${name}`], landing);
  assert.deepEqual(pages('nbclassic/tree')[0], `nbclassic/notebooks/${name}`);
  assert.deepEqual(pages('voila/render/x', 'jupyter lab')[0], `lab/tree/${name}`);
  assert.deepEqual(pages('labour', 'jupyter notebook')[0], `notebooks/${name}`);
});
