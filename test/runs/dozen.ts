import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { codeCell, type DriverOptions, DriverRun, execute, notebookOf } from '../hosts/driver.ts';

/** What must not differ between the versions of Python, ipykernel and jupyter_client that hosts have. */

export const DEAF = `import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(1000)`;

export const OUTPUTS = [
  'import sys\nfor n in range(2001): print(f"\\r{n / 20:.0f}%", end="", file=sys.stderr, flush=True)',
  'for n in range(5_000): print(n, flush=True)',
  `import threading, time
thread = threading.Thread(target=lambda: (time.sleep(1), print("late output")))
thread.start()`,
  'thread.join()\nprint("joined")',
  codeCell('input("name? ")', 'raises-exception'),
  'sys.exit(0)',
  'print("never")',
];

/** Cells in which a kernel dies, and why. */
export const DEATHS = [
  ['import os, signal; os.kill(os.getpid(), signal.SIGKILL)', 'it was killed by SIGKILL'],
  ['import os; os._exit(7)', 'it exited with status 7'],
] as const;

/** @param options how the driver runs on that host */
export function testDozen(host: string, options: () => DriverOptions, skip: string | false): void {
  describe(`a run on ${host}`, { concurrency: 2, skip }, () => {
    const ending = (end: Record<string, unknown> | undefined) => [end?.state, end?.done, end?.n];

    test('keeps progress bars as one line, all flushed lines, and the output of threads, and shows that input() cannot be answered', async () => {
      const { run, code, end } = await execute(notebookOf(...OUTPUTS), {}, options());
      assert.equal(code, 0, run.stderr);
      assert.deepEqual(end, { state: 'done', done: 5, of: 7 });
      assert.equal(run.printed(0), '100%');
      assert.equal(run.printed(1), Array.from({ length: 5_000 }, (_, n) => `${n}\n`).join(''));
      assert.match(run.printed(2) + run.printed(3), /late output\n/);
      assert.equal(run.notebook().cells[4]?.outputs?.at(-1)?.ename, 'StdinNotImplementedError');
      assert.deepEqual(run.notebook().cells[6]?.outputs, []);
    });

    test('ends at the cell that fails, in a notebook without a kernel, with parameters', async () => {
      const notebook = { ...notebookOf('print(n)', '1/0', 'print("never")'), metadata: {} };
      const { run, code, end } = await execute(notebook, { parameters: { n: 5 } }, options());
      assert.equal(code, 1, run.stderr);
      assert.deepEqual([...ending(end), end?.ename], ['failed', 2, 3, 'ZeroDivisionError']);
      assert.equal(run.printed(1), '5\n');
    });

    for (const [source, why] of DEATHS)
      test(`shows of a dead kernel that ${why}`, async () => {
        const { run, code, end } = await execute(notebookOf('print("kept")', source, '3'), {}, options());
        assert.equal(code, 3, run.stderr);
        assert.deepEqual([...ending(end), end?.why], ['kernel-died', 1, 2, why]);
        assert.equal(run.printed(0), 'kept\n');
      });

    test('is cancelled in the middle of a cell, and keeps its output', async () => {
      const source = 'import time\nprint("begun", flush=True)\ntime.sleep(1000)';
      const run = new DriverRun(notebookOf(source), {}, options());
      await run.untilText('begun');
      run.signal('SIGTERM');
      assert.equal(await run.ended, 130, run.stderr);
      assert.deepEqual(ending(run.last('end')), ['cancelled', 0, 1]);
      assert.equal(run.printed(0), 'begun\n');
      assert.deepEqual(run.processes(), []);
    });

    test('is cancelled although its cell ignores the interrupt, at once by a second signal', async () => {
      const run = new DriverRun(notebookOf(DEAF), { grace: 1000 }, options());
      await run.untilText('deaf');
      run.signal('SIGTERM');
      await run.untilEvent('cancel');
      run.signal('SIGTERM');
      assert.equal(await run.ended, 130, run.stderr);
      assert.equal(run.printed(0), 'deaf\n');
      assert.deepEqual(run.processes(), []);
    });

    test('ends a cell at its time limit, even if the cell ignores the interrupt', async () => {
      const { run, code, end } = await execute(notebookOf(DEAF), { cell_timeout: 5, grace: 1 }, options());
      assert.equal(code, 4, run.stderr);
      assert.deepEqual(ending(end), ['timeout', 0, 1]);
      assert.equal(run.printed(0), 'deaf\n');
    });
  });
}
