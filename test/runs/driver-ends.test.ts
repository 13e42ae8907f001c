import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { startTimeOf } from '../../src/system/process.ts';
import { DriverRun, execute, notebookOf } from '../hosts/driver.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { makeFolder } from '../hosts/standing.ts';
import { writeKernelspec } from '../hosts/venv.ts';

/** How a run ends, and what it leaves: every output up to its end, the state and the reason. */

describe('a run', { concurrency: 3, skip: NO_PROC }, () => {
  test('ends at the cell that fails, and keeps the outputs up to there', async () => {
    const source = notebookOf('print("kept")', 'print("also")\n{}["absent"]', 'print("never")');
    const { run, code, end } = await execute(source);
    assert.equal(code, 1, run.stderr);
    const error = { ename: 'KeyError', evalue: "'absent'" };
    assert.deepEqual(end, { state: 'failed', done: 1, of: 3, i: 1, n: 2, ...error });
    assert.equal(run.printed(0) + run.printed(1), 'kept\nalso\n');
    assert.equal(run.notebook().cells[1]?.outputs?.at(-1)?.ename, 'KeyError');
    assert.equal(run.read('status'), '1\n');
    assert.deepEqual(run.processes(), []);
    const states = run
      .notebook()
      .cells.map(({ metadata: { papermill } }) => (papermill as { status: string }).status);
    assert.deepEqual(states, ['completed', 'failed', 'pending']);
  });

  test('continues after errors with allow_errors', async () => {
    const { run, code, end } = await execute(notebookOf('1/0', 'print("on")'), { allow_errors: true });
    assert.equal(code, 0, run.stderr);
    assert.deepEqual(end, { state: 'done', done: 2, of: 2 });
    assert.equal(run.printed(1), 'on\n');
  });

  test('keeps its own files for its user alone, and leaves what cells create to the umask of the user', async () => {
    const source = 'open("made", "w").close()\nimport os; print(os.getcwd())';
    const within = ['/bin/sh', '-c', 'umask 022; exec "$@"', 'sh'];
    const { run, code } = await execute(notebookOf(source), {}, { within });
    assert.equal(code, 0, run.stderr);
    const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
    assert.equal(modeOf(join(run.printed(0).trim(), 'made')), '644');
    const own = ['output.ipynb', 'events', 'text', 'status', 'kernel'];
    for (const name of own) assert.equal(modeOf(join(run.folder, name)), '600', name);
  });

  test('fails if a cell calls sys.exit() with an error', async () => {
    const { code, end } = await execute(notebookOf('import sys; sys.exit(1)', '2'));
    assert.equal(code, 1);
    assert.deepEqual(end, { state: 'failed', done: 0, of: 2, i: 0, n: 1, ename: 'SystemExit', evalue: '1' });
  });

  test('is done if a cell ends the kernel by exit()', async () => {
    const { run, code, end } = await execute(notebookOf('print("before")\nexit()', 'print("never")'));
    assert.equal(code, 0, run.stderr);
    assert.deepEqual(end, { state: 'done', done: 0, of: 2 });
    assert.equal(run.printed(0), 'before\n');
  });

  const DEATHS = [
    ['KILL', 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)', 'it was killed by SIGKILL'],
    ['a segmentation fault', 'import ctypes; ctypes.string_at(0)', 'it was killed by SIGSEGV'],
    ['os._exit(7)', 'import os; os._exit(7)', 'it exited with status 7'],
  ] as const;
  for (const [what, code, why] of DEATHS)
    test(`shows that its kernel died by ${what}, and in which cell, and keeps the outputs up to there`, async () => {
      const folder = makeFolder('rn-run-');
      // What it prints is on its way for a moment.
      const arrived = `"last words" in open(${JSON.stringify(join(folder, 'text'))}).read()`;
      const last = `import time\nprint("last words", flush=True)\nwhile not ${arrived}: time.sleep(0.05)\n${code}`;
      const notebook = notebookOf('print("first")', last, 'print("never")');
      const { run, code: status, end } = await execute(notebook, {}, { folder });
      assert.equal(status, 3, run.stderr);
      const { words: _, ...rest } = end ?? {};
      assert.deepEqual(rest, { state: 'kernel-died', done: 1, of: 3, i: 1, n: 2, why });
      assert.equal(run.printed(0) + run.printed(1), 'first\nlast words\n');
      assert.deepEqual(run.processes(), []);
    });

  test('that is cancelled keeps what a cell has printed, and ends the processes that the cell has started', async () => {
    const source = `import subprocess, multiprocessing, time
child = subprocess.Popen(["sleep", "1000"])
print("begun", flush=True)
time.sleep(1000)`;
    const run = new DriverRun(notebookOf('print("first")', source, 'print("never")'));
    await run.untilText('begun');
    assert.ok(run.processes().length >= 3);
    run.signal('SIGTERM');
    assert.equal(await run.ended, 130, run.stderr);
    assert.deepEqual(run.last('end'), { state: 'cancelled', done: 1, of: 3, i: 1, n: 2 });
    assert.deepEqual(run.last('cancel'), { signal: 'SIGTERM' });
    assert.equal(run.printed(1), 'begun\n');
    assert.equal(run.notebook().cells[1]?.outputs?.at(-1)?.ename, 'KeyboardInterrupt');
    assert.deepEqual(run.processes(), []);
  });

  const DEAF = `import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(1000)`;

  test('whose cell ignores the interrupt is cancelled after a while, and keeps its output', async () => {
    const run = new DriverRun(notebookOf(DEAF), { grace: 1 });
    await run.untilText('deaf');
    run.signal('SIGINT');
    assert.equal(await run.ended, 130, run.stderr);
    assert.deepEqual(run.last('end'), { state: 'cancelled', done: 0, of: 1, i: 0, n: 1 });
    assert.equal(run.printed(0), 'deaf\n');
    assert.deepEqual(run.processes(), []);
  });

  test('is cancelled at once by a second signal', async () => {
    const run = new DriverRun(notebookOf(DEAF), { grace: 1000 });
    await run.untilText('deaf');
    run.signal('SIGTERM');
    await run.untilEvent('cancel');
    run.signal('SIGTERM');
    assert.equal(await run.ended, 130, run.stderr);
    assert.equal(run.printed(0), 'deaf\n');
    assert.deepEqual(run.processes(), []);
  });

  test('can be cancelled while its kernel starts', async () => {
    const folder = makeFolder();
    const slow = join(folder, 'slow');
    writeFileSync(slow, '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
    writeKernelspec(folder, slow, 'slow');
    const run = new DriverRun(notebookOf('1'), { kernel: 'slow' }, { env: { JUPYTER_PATH: folder } });
    await run.until('the kernel is on record', () => run.has('kernel'));
    run.signal('SIGTERM');
    assert.equal(await run.ended, 130, run.stderr);
    assert.deepEqual(run.last('end'), { state: 'cancelled', done: 0, of: 1 });
    assert.deepEqual(run.processes(), []);
  });

  test('is cancelled, and its kernel did not die, if both receive the signal at once, as in a job of Slurm', async () => {
    const run = new DriverRun(notebookOf('import time\nprint("begun", flush=True)\ntime.sleep(1000)'));
    await run.untilText('begun');
    for (const pid of [run.kernelPid(), run.pid()]) signalQuietly(pid, 'SIGTERM');
    assert.equal(await run.ended, 130, run.stderr);
    assert.equal(run.last('end')?.state, 'cancelled');
    assert.equal(run.printed(0), 'begun\n');
  });

  test('ends a cell that takes longer than its time limit, and keeps its output', async () => {
    const source = 'import time\nprint("slow", flush=True)\ntime.sleep(1000)';
    const { run, code, end } = await execute(notebookOf(source, '2'), { cell_timeout: 5 });
    assert.equal(code, 4, run.stderr);
    assert.deepEqual(end, { state: 'timeout', done: 0, of: 2, i: 0, n: 1 });
    assert.equal(run.printed(0), 'slow\n');
    assert.equal(run.notebook().cells[0]?.outputs?.at(-1)?.ename, 'KeyboardInterrupt');
  });

  test('ends a cell at its time limit, even if the cell ignores the interrupt', async () => {
    const { run, code, end } = await execute(notebookOf(DEAF), { cell_timeout: 5, grace: 1 });
    assert.equal(code, 4, run.stderr);
    assert.equal(end?.state, 'timeout');
    assert.equal(run.printed(0), 'deaf\n');
    assert.deepEqual(run.processes(), []);
  });

  test('leaves a complete notebook even if its driver and its kernel are killed', async () => {
    const source = `import time\nfor n in range(100000):\n    print("line", n, flush=True)\n    time.sleep(0.05)`;
    const run = new DriverRun(notebookOf('print("first")', source), { save_every: 0.1 });
    await run.until(
      'the notebook has lines',
      () => run.has('output.ipynb') && run.printed(1).includes('line 9\n'),
    );
    // The start time shows whether the process is still the kernel: for whoever ends it afterwards.
    const [pid, startTime] = run.read('kernel').trim().split(' ');
    assert.equal(startTime, await startTimeOf(Number(pid)));
    run.signal('SIGKILL');
    signalQuietly(Number(pid), 'SIGKILL');
    await run.ended;
    assert.match(run.printed(0) + run.printed(1), /^first\nline 0\n(line \d+\n)*line 9\n/);
    assert.equal(run.has('status'), false);
  });

  test('loses no line while the machine is too busy for its driver to read them', async () => {
    const cwd = makeFolder();
    const source = `import os, time
print("begun", flush=True)
while not os.path.exists("on"): time.sleep(0.05)
for n in range(4_000): print("line", n, "." * 4_000, flush=True)
open("over", "w").close()`;
    const run = new DriverRun(notebookOf(source), { cwd, output_limit: 100_000_000 });
    await run.untilText('begun');
    // More than the buffers of TCP and the queue of a kernel hold.
    run.signal('SIGSTOP');
    writeFileSync(join(cwd, 'on'), '');
    await run.until('the cell has printed them', () => existsSync(join(cwd, 'over')));
    run.signal('SIGCONT');
    assert.equal(await run.ended, 0, run.stderr);
    assert.deepEqual(run.notes(), []);
    const dots = '.'.repeat(4000);
    const lines = Array.from({ length: 4000 }, (_, n) => `line ${n} ${dots}\n`).join('');
    assert.ok(run.printed(0) === `begun\n${lines}`, `${run.printed(0).length} characters`);
  });

  test('notes that the kernel has not reported the end of a cell, and continues', async () => {
    const folder = makeFolder();
    const program = join(folder, 'kernel.py');
    writeFileSync(program, LOSES_IDLE);
    const argv = ['python3', program, '-f', '{connection_file}'];
    writeKernelspec(folder, 'unused', 'forgetful');
    const spec = join(folder, 'kernels', 'forgetful', 'kernel.json');
    writeFileSync(spec, JSON.stringify({ ...JSON.parse(readFileSync(spec, 'utf8')), argv }));
    const notebook = notebookOf('print("forget")', 'print("on")');
    const { run, code } = await execute(notebook, { kernel: 'forgetful' }, { env: { JUPYTER_PATH: folder } });
    assert.equal(code, 0, run.stderr);
    assert.deepEqual(run.notes(), [
      'the kernel did not report that cell 1 was finished: some of its output may be missing',
    ]);
    assert.equal(run.printed(0) + run.printed(1), 'forget\non\n');
  });

  test('keeps the kernel of a failed run as long as it is asked to, and reports both when it has ended', async () => {
    const order = { keep_kernel: 1000, then_command: 'sleep 2' };
    const run = new DriverRun(notebookOf('x = 41', '1/0'), order);
    await run.until('the run has ended', () => run.has('status'));
    assert.equal(run.read('status'), '1\n');
    assert.equal(run.last('end')?.state, 'failed');
    assert.ok(run.last('kept'), 'the kernel is kept, although the command at the end is still running');
    const kernel = run.kernelPid();
    assert.match(commandLineOf(kernel), /ipykernel/);
    assert.ok(JSON.parse(readFileSync(String(run.last('kept')?.file), 'utf8')).key);
    run.signal('SIGTERM');
    assert.equal(await run.ended, 1, run.stderr);
    assert.deepEqual(run.processes(), []);
  });

  test('runs a command at its end that knows the run, its state and its exit status', async () => {
    const folder = makeFolder();
    const file = join(folder, 'told');
    const order = { then_command: `echo "$RUN $STATE $EXIT" >'${file}'` };
    const { run, code } = await execute(notebookOf('1/0'), order);
    assert.equal(code, 1, run.stderr);
    assert.equal(readFileSync(file, 'utf8'), `${basename(run.folder)} failed 1\n`);
  });
});

/** ipykernel, except that it does not report that it is idle after one cell. */
const LOSES_IDLE = `import json
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp

class Forgetful(IPythonKernel):
    def _publish_status(self, status, *words, **more):
        parent = self.get_parent() if hasattr(self, "get_parent") else {}
        if status == "idle" and "forget" in json.dumps(parent.get("content", {})):
            return
        super()._publish_status(status, *words, **more)

IPKernelApp.launch_instance(kernel_class=Forgetful)
`;
