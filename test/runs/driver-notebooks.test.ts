import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { codeCell, execute, type Notebook, notebookOf } from '../hosts/driver.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { registryVenv } from '../hosts/registry-venv.ts';
import { makeFolder } from '../hosts/standing.ts';

/** Which notebooks a run accepts, how it sets their parameters, and where it executes them. */

const ALONE = registryVenv('ipykernel', ['ipykernel']);

const UNFIT: Readonly<Record<string, readonly [Notebook | string, Record<string, unknown>, RegExp]>> = {
  'an empty file': ['', {}, /^it is not a notebook: Expecting value/],
  'a file that is not JSON': ['print(1)', {}, /^it is not a notebook: Expecting value/],
  'JSON that is not a notebook': ['[1]', {}, /^it is not a notebook: it does not contain the number/],
  'a notebook without cells': ['{"nbformat": 4}', {}, /^it is not a notebook: it has no list of cells$/],
  'a kernel that is not there': [
    notebookOf('1'),
    { kernel: 'absent' },
    /^there is no kernel absent there; there are: .*python3/,
  ],
  'a language that is not there': [
    { ...notebookOf('1'), metadata: { language_info: { name: 'julia' } } },
    {},
    /^there is no kernel for julia there; there are: .*python3/,
  ],
  'a directory that is not there': [
    notebookOf('1'),
    { cwd: '/nowhere' },
    /^the kernel cannot be started: .*\/nowhere/,
  ],
};

describe('a run refuses', { concurrency: 3 }, () => {
  for (const [what, [notebook, order, why]] of Object.entries(UNFIT))
    test(what, async () => {
      const { run, code, end } = await execute(notebook, order);
      assert.equal(code, 2, run.stderr);
      assert.equal(end?.state, 'unfit');
      assert.match(String(end?.why), why);
      assert.equal(run.read('status'), '2\n');
      assert.deepEqual(run.processes(), []);
    });
});

describe('a run executes', { concurrency: 3 }, () => {
  test('a notebook with a kernel of another machine and a byte order mark, in its directory, with parameters', async () => {
    const notebook = {
      ...notebookOf(
        'first = 1',
        codeCell('rate: float = 0.1\nname = "?"', 'parameters'),
        'import os\nprint([rate, name, data, empty], os.getcwd())',
      ),
      metadata: { kernelspec: { name: '.venv', display_name: '.venv (3.12.1)', language: 'python' } },
    };
    const cwd = join(makeFolder(), `it's "here" $HOME ✓`);
    mkdirSync(cwd);
    const words = `it's "é" \\n 😀\n`;
    const parameters = { rate: 1e-3, name: words, data: { a: [true, null, 'x'] }, empty: '' };
    const { run, code } = await execute(`\ufeff${JSON.stringify(notebook)}`, { cwd, parameters });
    assert.equal(code, 0, run.stderr);
    assert.deepEqual(run.notes(), [
      "the notebook's kernel .venv is not there: python3 is used",
      "the notebook's cell with the tag parameters does not set data",
      "the notebook's cell with the tag parameters does not set empty",
    ]);
    const { cells, metadata } = run.notebook();
    const injected = cells[2];
    assert.deepEqual(injected?.metadata.tags, ['injected-parameters']);
    assert.match(String(injected?.source), /^# Parameters\nrate = 0.001\nname = /);
    const shown = `[0.001, ${pythonOf(words)}, {'a': [True, None, 'x']}, ''] ${cwd}\n`;
    assert.equal(run.printed(3), shown);
    assert.deepEqual(metadata.kernelspec, notebook.metadata.kernelspec);
    assert.deepEqual((metadata.papermill as { parameters: { name: string } }).parameters.name, words);
    // A second run of the result replaces its parameters.
    const again = await execute(run.notebook(), { parameters: { rate: 2, name: 3, data: 4, empty: 6 } });
    assert.equal(again.code, 0, again.run.stderr);
    assert.equal(again.run.notebook().cells.length, 4);
    assert.match(again.run.printed(3), /^\[2, 3, 4, 6\] /);
  });

  test('a notebook without a kernel and without a cell for its parameters, which it sets first', async () => {
    const notebook = { ...notebookOf('print(n)'), nbformat_minor: 4, metadata: {} };
    const { run, code } = await execute(notebook, { parameters: { n: 5 } });
    assert.equal(code, 0, run.stderr);
    assert.deepEqual(run.notes(), ['no cell has the tag parameters: they are set before the first cell']);
    assert.equal(run.printed(1), '5\n');
    assert.equal(run.notebook().cells[0]?.id, undefined);
    assert.equal((run.notebook().metadata.language_info as { name: string }).name, 'python');
  });

  test('a notebook of the old format 3', async () => {
    const cell = {
      cell_type: 'code',
      language: 'python',
      collapsed: false,
      input: 'print("old")',
      outputs: [],
    };
    const notebook = {
      nbformat: 3,
      nbformat_minor: 0,
      metadata: { name: '' },
      worksheets: [{ cells: [cell] }],
    };
    const { run, code } = await execute(JSON.stringify(notebook));
    assert.equal(code, 0, run.stderr);
    assert.equal(run.notebook().nbformat, 4);
    assert.equal(run.printed(0), 'old\n');
  });

  test('a notebook without cells, and one without code', async () => {
    const text = { cell_type: 'markdown', id: 'a', metadata: {}, source: 'text' };
    for (const cells of [[], [text]]) {
      const { run, code, end } = await execute({ ...notebookOf(), cells });
      assert.equal(code, 0, run.stderr);
      assert.deepEqual(end, { state: 'done', done: 0, of: 0 });
      assert.deepEqual(run.notebook().cells, cells);
    }
  });

  test('a notebook in an environment that has ipykernel alone, without a Jupyter server', {
    skip: ALONE.missing,
  }, async () => {
    const python = join(ALONE.folder, 'bin', 'python');
    const source =
      'import importlib.util as u\nprint([u.find_spec(n) for n in ("nbformat", "jupyter_server")])';
    const { run, code } = await execute(notebookOf(source), {}, { python });
    assert.equal(code, 0, run.stderr);
    assert.equal(run.printed(0), '[None, None]\n');
  });

  test('nothing with a Python that has no jupyter_client, and its caller can see that', async () => {
    const venv = join(makeFolder(), 'venv');
    execFileSync('/usr/bin/python3', ['-m', 'venv', '--without-pip', venv]);
    const { run, code } = await execute(notebookOf('1'), {}, { python: join(venv, 'bin', 'python') });
    assert.equal(code, 97);
    assert.ok(!existsSync(join(run.folder, 'events')) && !run.has('status'));
  });

  test('nothing on a host without ipykernel, and names it', { skip: NO_ROOT }, async () => {
    const packages = '/usr/lib/python3/dist-packages';
    const python = '/usr/bin/python3';
    const hide = `mount -t tmpfs none /usr/share/jupyter/kernels && for each in ${packages}/ipykernel*; do mount -t tmpfs none "$each"; done; exec "$@"`;
    const within = ['unshare', '--mount', 'sh', '-c', hide, 'sh'];
    const { run, code, end } = await execute(notebookOf('1'), {}, { python, within });
    assert.equal(code, 2, run.stderr);
    assert.equal(end?.why, 'there is no kernel python3 there; there is none at all: ipykernel is missing');
  });
});

function pythonOf(text: string): string {
  return execFileSync('/usr/bin/python3', ['-c', 'import sys; print(repr(sys.argv[1]), end="")', text], {
    encoding: 'utf8',
  });
}

test('a run leaves the notebook that it was given as it is', async () => {
  const notebook = JSON.stringify(notebookOf('print("1")'));
  const { run } = await execute(notebook);
  assert.equal(readFileSync(join(run.folder, 'input.ipynb'), 'utf8'), notebook);
});
