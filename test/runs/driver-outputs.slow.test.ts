import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type Cell, codeCell, type DriverRun, execute, notebookOf } from '../hosts/driver.ts';

/** What the notebook of a run contains of what its cells print and display. */

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

const markdown: Cell = { cell_type: 'markdown', id: 'words', metadata: {}, source: ['# Words\n', 'é ✓ 😀'] };
const skipped: Cell = {
  ...codeCell('raise SystemError', 'skip-execution'),
  outputs: [{ output_type: 'stream', name: 'stdout', text: ['from before\n'] }],
};

/** Each cell by its name; they are executed in this order, in one kernel. */
const CELLS: Readonly<Record<string, Cell>> = {
  markdown,
  skipped,
  blank: { ...codeCell(' \n'), execution_count: 7 },
  progress: codeCell(
    String.raw`import sys
for n in range(2001): print(f"\r{n / 20:.0f}%|{'#' * (n // 100)}", end="", file=sys.stderr, flush=True)
print(file=sys.stderr, flush=True)
print("overwritten\rOVER", end="\r\n")
print("12\b3")`,
  ),
  writes: codeCell('for n in range(10_000): print(n, flush=True)'),
  displays: codeCell('for n in range(3_000): display(n)'),
  controls: codeCell(String.raw`print("nul \0 escape \x1b[1m form \f bell \a line \u2028 end")`),
  surrogate: codeCell(
    String.raw`from IPython.display import display, publish_display_data as publish
publish({"text/plain": "half \udcff"})`,
  ),
  picture: codeCell(
    `from IPython.display import Image
import base64
display(Image(data=base64.b64decode("${PIXEL}")))
publish({"image/svg+xml": "<svg>\\n</svg>", "application/json": {"a": [1]}, "text/html": "<b>\\n</b>"})`,
  ),
  shown: codeCell('handle = display("at first", display_id="one")\ndisplay("again", display_id="one");'),
  cleared: codeCell(
    'from IPython.display import clear_output\nfor n in range(5):\n    clear_output(wait=True)\n    print(n)',
  ),
  updates: codeCell('handle.update("at last")\n"a result"'),
  thread: codeCell(
    `import threading, time
def later():
    time.sleep(1)
    print("late output")
thread = threading.Thread(target=later)
thread.start()`,
  ),
  join: codeCell('thread.join()\nprint("joined")'),
  input: codeCell('input("name? ")', 'raises-exception'),
  getpass: codeCell('import getpass; getpass.getpass()', 'raises-exception'),
  widget: codeCell(
    `kernel = get_ipython().kernel
data = {"state": {"_model_name": "M", "_model_module": "m", "_model_module_version": "1", "value": 1}, "buffer_paths": [["raw"]]}
kernel.session.send(kernel.iopub_socket, "comm_open", {"comm_id": "w1", "target_name": "jupyter.widget", "data": data}, buffers=[b"abc"])
kernel.session.send(kernel.iopub_socket, "comm_msg", {"comm_id": "w1", "data": {"method": "update", "state": {"value": 2}}})`,
  ),
  exit: codeCell('import sys; sys.exit(0)'),
  unreached: codeCell('print("never")'),
};
const NAMES = Object.keys(CELLS);

describe('the notebook of a run', () => {
  let run: DriverRun;
  let code: number | null;
  let end: Record<string, unknown> | undefined;
  before(async () => {
    const notebook = notebookOf(...Object.values(CELLS));
    const widgets = { 'application/vnd.jupyter.widget-state+json': { state: { old: {} } } };
    const metadata = { ...notebook.metadata, widgets, own: { kept: true } };
    ({ run, code, end } = await execute({ ...notebook, metadata }));
  });
  const cell = (name: string) => run.notebook().cells[NAMES.indexOf(name)] as Cell;
  const outputs = (name: string) => cell(name).outputs ?? [];
  const printed = (name: string) => run.printed(NAMES.indexOf(name));

  test('has a progress bar as its last state, and overwritten characters as a terminal shows them', () => {
    assert.deepEqual(
      outputs('progress').map(({ name, text }) => [name, text]),
      [
        ['stderr', [`100%|${'#'.repeat(20)}\n`]],
        ['stdout', ['OVERwritten\n', '13\n']],
      ],
    );
  });

  test('has each of 10,000 lines that were flushed, in one output', () => {
    assert.equal(outputs('writes').length, 1);
    assert.equal(printed('writes'), Array.from({ length: 10_000 }, (_, n) => `${n}\n`).join(''));
  });

  test('has each of 3,000 displays in quick succession', () => {
    const shown = outputs('displays').map(({ data }) => data?.['text/plain']);
    assert.deepEqual(
      shown,
      Array.from({ length: 3_000 }, (_, n) => [`${n}`]),
    );
  });

  test('has control characters unchanged', () => {
    assert.equal(printed('controls'), 'nul \0 escape \u001b[1m form \f bell \u0007 line \u2028 end\n');
  });

  test('can be read and saved by Jupyter even if a cell displays half a surrogate pair', () => {
    const { isWellFormed } = String.prototype as unknown as { isWellFormed?: () => boolean };
    if (isWellFormed) assert.ok(isWellFormed.call(JSON.stringify(run.notebook())));
    assert.ok(Buffer.from(run.read('output.ipynb')).includes('half'));
  });

  test('has pictures byte for byte, and texts in lines as Jupyter writes them', () => {
    const [image, other] = outputs('picture');
    assert.equal(String(image?.data?.['image/png']).trim(), PIXEL);
    assert.deepEqual(other?.data, {
      'application/json': { a: [1] },
      'image/svg+xml': ['<svg>\n', '</svg>'],
      'text/html': ['<b>\n', '</b>'],
    });
    assert.match(run.read('output.ipynb'), /^\{\n "cells": \[\n {2}\{\n {3}"cell_type": /);
  });

  test('has displays as a later cell has updated them, and only what was not cleared', () => {
    const shown = outputs('shown').map(({ data }) => data?.['text/plain']);
    assert.deepEqual(shown, [["'at last'"], ["'at last'"]]);
    assert.equal(printed('cleared'), '4\n');
    assert.deepEqual(outputs('updates')[0]?.data, { 'text/plain': ["'a result'"] });
  });

  test('has what a thread prints after its cell has ended', () => {
    assert.match(printed('thread') + printed('join'), /late output\n/);
    assert.match(printed('join'), /joined\n/);
  });

  test('shows that input() and getpass() have nobody to ask, and the run continues where that is expected', () => {
    const names = ['input', 'getpass'].map((name) => outputs(name).at(-1)?.ename);
    assert.deepEqual(names, ['StdinNotImplementedError', 'StdinNotImplementedError']);
  });

  test('has the state of widgets with their binary data, without that of an earlier run', () => {
    assert.deepEqual(run.notebook().metadata.widgets, {
      'application/vnd.jupyter.widget-state+json': {
        version_major: 2,
        version_minor: 0,
        state: {
          w1: {
            model_name: 'M',
            model_module: 'm',
            model_module_version: '1',
            state: { _model_name: 'M', _model_module: 'm', _model_module_version: '1', value: 2 },
            buffers: [{ data: 'YWJj', encoding: 'base64', path: ['raw'] }],
          },
        },
      },
    });
  });

  test('leaves what is not executed as it was: other cells, blank ones, and those to be skipped', () => {
    for (const name of ['markdown', 'skipped', 'blank']) assert.deepEqual(cell(name), CELLS[name]);
    assert.deepEqual(run.notebook().metadata.own, { kept: true });
    assert.deepEqual(Object.keys(run.notebook()), ['cells', 'metadata', 'nbformat', 'nbformat_minor']);
  });

  test('has times and states of its cells where papermill writes them', () => {
    const states = ['writes', 'input', 'exit', 'unreached'].map((name) => {
      const { status, exception } = cell(name).metadata.papermill as Record<string, unknown>;
      return [status, exception];
    });
    assert.deepEqual(states, [
      ['completed', false],
      ['completed', false],
      ['completed', false],
      ['pending', null],
    ]);
    const { duration, start_time, end_time, exception } = run.notebook().metadata.papermill as never;
    assert.equal(exception, null);
    const took = (Date.parse(end_time) - Date.parse(start_time)) / 1000;
    assert.ok(Math.abs(took - duration) < 1, `${took} ${duration}`);
  });

  test('ends where a cell calls sys.exit(0), which is no failure', () => {
    assert.equal(code, 0, run.stderr);
    const of = NAMES.length - 3;
    assert.deepEqual(end, { state: 'done', done: of - 2, of });
    assert.deepEqual(run.notes(), [`cell ${of - 1} has ended the notebook`]);
    assert.deepEqual(outputs('unreached'), []);
  });

  test('is accompanied by a log with everything that the cells print', () => {
    const log = run.read('text');
    assert.match(log, /^--- cell 1 of \d+: import sys\n/);
    assert.match(log, /\n9998\n9999\n--- cell 3 of \d+: for n in range\(3_000\): display\(n\)\n0\n1\n/);
    assert.match(log, /StdinNotImplementedError/);
  });
});

test('100 MB of text in one cell are kept as their beginning and end, with a line that says so', async () => {
  const source = `line = "x" * 99 + "\\n"
import sys
sys.stdout.write("first\\n")
for n in range(1000): sys.stdout.write(line * 1000)
print("last")`;
  const { run, code } = await execute(notebookOf(source, 'print("next")'), { text_limit: 1_000_000 });
  assert.equal(code, 0, run.stderr);
  const printed = run.printed(0);
  assert.ok(printed.startsWith('first\nxxx') && printed.endsWith('x\nlast\n'));
  assert.ok(printed.length < 20_000_000, String(printed.length));
  const [, omitted] =
    /\n\.\.\. (\d+) characters that this cell printed are left out here/.exec(printed) ?? [];
  const whole = 100_000_000 + 'first\nlast\n'.length;
  const line = /\n\.\.\. .* \.\.\.\n/.exec(printed)?.[0] ?? '';
  assert.equal(printed.length - line.length + Number(omitted), whole);
  const log = run.read('text');
  assert.match(
    log,
    /\n\.\.\. The rest is not in this log, which has reached its limit \.\.\.\n--- cell 2 of 2/,
  );
  assert.ok(log.length < 1_001_000);
});

test('a display that is updated with too much has a line in its place, until it shows less again', async () => {
  const source = (last: number) => `from IPython.display import display
shown = display({"text/html": "a" * 600}, raw=True, display_id=True)
for n in (900, 2000, ${last}): shown.update({"text/html": str(n)[0] * n}, raw=True)`;
  const { run, code } = await execute(notebookOf(source(1500), source(700)), { display_limit: 1000 });
  assert.equal(code, 0, run.stderr);
  const shown = run.notebook().cells.map(({ outputs }) => outputs?.map(({ data }) => data));
  assert.deepEqual(shown, [
    [
      {
        'text/plain': ['... text/html of 1500 characters is left out here: this cell displays too much ...'],
      },
    ],
    [{ 'text/html': ['7'.repeat(700)] }],
  ]);
});

test('a cell that displays too much has a line in the place of what is left out', async () => {
  const source = `from IPython.display import publish_display_data as publish
for n in range(3): publish({"text/html": str(n) * 400})
print("on")`;
  const { run, code } = await execute(notebookOf(source), { display_limit: 1000 });
  assert.equal(code, 0, run.stderr);
  const shown = run.notebook().cells[0]?.outputs?.map(({ data, text }) => data ?? text);
  assert.deepEqual(shown, [
    { 'text/html': ['0'.repeat(400)] },
    { 'text/html': ['1'.repeat(400)] },
    { 'text/plain': ['... text/html of 400 characters is left out here: this cell displays too much ...'] },
    ['on\n'],
  ]);
});
