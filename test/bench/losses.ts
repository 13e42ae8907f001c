import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeCell, type Notebook, notebookOf, type Output } from '../hosts/driver.ts';
import { EXECUTORS, Execution, type Executor } from '../hosts/executors.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { makeFolder, untilRemoved } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';
import type { Section } from './samples.ts';

/** What is lost when something goes wrong while a notebook is executed: each entry of the table is tried. */

interface Trial {
  /** What happens. */
  readonly what: string;
  readonly notebook: Notebook | string;
  readonly timeoutS?: number;
  /** Makes it happen. */
  readonly disturb?: (execution: Execution) => Promise<void>;
  /** A small disk for the notebook. */
  readonly disk?: () => string;
  /** The entry of the table. */
  readonly entry: (execution: Execution, code: number | null) => string;
}

/** Longer than anything that an executor may need after the disturbance. */
const LIMIT_MS = 60_000;

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** A cell that prints a line every 20 ms, and counts them in a file of its own. */
const COUNTS = `import os, time
counted = open(os.path.join(os.environ["WORK"], "counted"), "w")
for n in range(100_000):
    print("line", n, flush=True)
    print(n, file=counted, flush=True)
    time.sleep(0.02)`;

function counted(execution: Execution): number {
  return execution.read('counted', execution.cwd).split('\n').length - 1;
}

async function untilCounted(execution: Execution, lines: number): Promise<void> {
  await eventually(`${lines} lines are printed`, () => counted(execution) >= lines, LIMIT_MS * 4);
}

/** The notebook that was written; undefined if there is none, and `broken` if it cannot be read. */
function written(execution: Execution): Notebook | 'broken' | undefined {
  const text = execution.read('output.ipynb');
  if (!existsSync(join(execution.folder, 'output.ipynb'))) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return 'broken';
  }
}

function outputsIn(execution: Execution): readonly Output[] {
  const notebook = written(execution);
  return notebook === undefined || notebook === 'broken'
    ? []
    : notebook.cells.flatMap(({ outputs = [] }) => outputs);
}

function textIn(execution: Execution): string {
  return outputsIn(execution)
    .flatMap(({ text }) => text ?? [])
    .join('');
}

/** How many of these lines the notebook has. */
function kept(execution: Execution, lines: number): string {
  const notebook = written(execution);
  if (notebook === undefined) return 'nothing: no file';
  if (notebook === 'broken') return 'nothing: half a file';
  const found = textIn(execution).match(/^line \d+$/gm)?.length ?? 0;
  if (found >= lines) return 'everything';
  return found === 0 ? 'nothing' : `${Math.floor((100 * found) / lines)} % of the lines`;
}

/** Whether the program, its events or its notebook name the signal. */
function reason(execution: Execution): string {
  const words = `${execution.said}${execution.read('events')}${outputsIn(execution).map(({ evalue }) => evalue)}`;
  return /SIGKILL|signal 9\b/.test(words) ? 'names the signal' : 'no reason';
}

function ending(code: number | null): string {
  return code === null ? 'ended by the signal' : `exit ${code}`;
}

function executed(words: string): Trial['entry'] {
  return (execution, code) =>
    code === 0 && textIn(execution).includes(words) ? 'executed' : `refused, ${ending(code)}`;
}

/** A tmpfs of 2 MB. */
function smallDisk(): string {
  const folder = makeFolder('rn-small-');
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'tmpfs', folder]);
  const remove = () => void execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' });
  untilRemoved({ remove, removeNow: remove });
  return folder;
}

/** Fills the disk after the first cell, and frees it when the last cell has been executed for some seconds. */
async function fillMeanwhile(execution: Execution): Promise<void> {
  const filler = join(execution.folder, 'filler');
  await eventually('the first cell runs', () => existsSync(join(execution.cwd, 'begun')), LIMIT_MS);
  for (const size of [1 << 16, 1 << 12, 1])
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: 'a' });
    } catch {}
  writeFileSync(join(execution.cwd, 'on'), '');
  const isOver = () => execution.hasEnded || existsSync(join(execution.cwd, 'over'));
  await eventually('the last cell has run', isOver, LIMIT_MS);
  await sleep(5);
  rmSync(filler);
}

const FULL = [
  `import os, time
def path(name): return os.path.join(os.environ["WORK"], name)
print("line 0", flush=True)
open(path("begun"), "w").close()
while not os.path.exists(path("on")): time.sleep(0.05)`,
  'for n in range(1, 2000): print("line", n)',
  'open(path("over"), "w").close()',
];

/** A notebook whose metadata name this kernel, or none. */
function withKernel(kernelspec: unknown, words: string): Notebook {
  return { ...notebookOf(`print("${words}")`), metadata: kernelspec ? { kernelspec } : {} };
}

const OLD = JSON.stringify({
  ...{ nbformat: 3, nbformat_minor: 0, metadata: { name: '' } },
  worksheets: [
    {
      cells: [
        { cell_type: 'code', language: 'python', collapsed: false, input: 'print("old")', outputs: [] },
      ],
    },
  ],
});

/** How many outputs a cell has, and how large they are. */
function amount(execution: Execution): string {
  const outputs = outputsIn(execution);
  const size = outputs.reduce((sum, { text = [] }) => sum + [text].flat().join('').length, 0);
  return `${outputs.length} ${outputs.length === 1 ? 'output' : 'outputs'}, ${size} characters`;
}

const TRIALS: readonly Trial[] = [
  {
    what: 'a cell raises an error',
    notebook: notebookOf('print("line 0")', 'print("line 1")\n1/0', 'print("line 2")'),
    entry: (execution, code) => `${kept(execution, 2)}, ${ending(code)}`,
  },
  {
    what: 'the kernel is killed (SIGKILL) by the second cell',
    notebook: notebookOf(
      'print("line 0")',
      'import os, time\nprint("line 1", flush=True)\ntime.sleep(1)\nos.kill(os.getpid(), 9)',
      'print("line 2")',
    ),
    entry: (execution, code) => `${kept(execution, 2)}, ${reason(execution)}, ${ending(code)}`,
  },
  {
    what: 'SIGTERM to the program after 8 s of a cell',
    notebook: notebookOf(COUNTS),
    disturb: async (execution) => {
      await untilCounted(execution, 400);
      process.kill(execution.pid, 'SIGTERM');
    },
    entry: (execution, code) => `${kept(execution, 400)}, ${ending(code)}`,
  },
  {
    what: 'SIGKILL to the program and its kernel after 15 s of a cell',
    notebook: notebookOf(COUNTS),
    disturb: async (execution) => {
      await untilCounted(execution, 1);
      await sleep(15);
      for (const pid of [execution.pid, ...execution.kernels()]) signalQuietly(pid, 'SIGKILL');
    },
    entry: (execution) => kept(execution, counted(execution)),
  },
  ...(NO_ROOT
    ? []
    : [
        {
          what: 'the disk is full, until 5 s after the last cell',
          notebook: notebookOf(...FULL),
          disk: smallDisk,
          disturb: fillMeanwhile,
          entry: (execution: Execution, code: number | null) => `${kept(execution, 2000)}, ${ending(code)}`,
        },
      ]),
  {
    what: 'a cell takes longer than its time limit',
    notebook: notebookOf(COUNTS, 'print("line 0")'),
    timeoutS: 3,
    entry: (execution, code) => `${kept(execution, Math.min(100, counted(execution)))}, ${ending(code)}`,
  },
  {
    what: 'a thread prints after its cell',
    notebook: notebookOf(
      'import threading, time\nthread = threading.Thread(target=lambda: (time.sleep(1), print("line 0")))\nthread.start()',
      'thread.join()\nprint("line 1")',
    ),
    entry: (execution) => kept(execution, 2),
  },
  {
    what: 'a progress bar of 2,000 carriage returns',
    notebook: notebookOf(
      'import sys\nfor n in range(2000): print(f"\\r{n / 20:.0f} %", end="", file=sys.stderr, flush=True)',
    ),
    entry: amount,
  },
  {
    what: '10,000 lines, each flushed',
    notebook: notebookOf('for n in range(10_000): print("line", n, flush=True)'),
    entry: (execution) => `${kept(execution, 10_000)}, ${amount(execution).split(',')[0]}`,
  },
  { what: 'a notebook of format 3', notebook: OLD, entry: executed('old') },
  {
    what: 'a notebook that names no kernel',
    notebook: withKernel(undefined, 'none'),
    entry: executed('none'),
  },
  {
    what: 'a notebook that names the kernel of another machine (`.venv`)',
    notebook: withKernel({ name: '.venv', display_name: '.venv (3.12)', language: 'python' }, 'foreign'),
    entry: executed('foreign'),
  },
  {
    what: 'a cell calls input()',
    notebook: notebookOf('input("name? ")'),
    entry: (execution, code) =>
      code === null ? 'hangs' : `${outputsIn(execution).at(-1)?.ename ?? 'no file'}, ${ending(code)}`,
  },
  {
    what: 'a cell calls sys.exit(0)',
    notebook: notebookOf('print("line 0")', codeCell('import sys; sys.exit(0)'), 'print("line 1")'),
    entry: (execution, code) => `${kept(execution, 1)}, ${ending(code)}`,
  },
];

async function tried(trial: Trial, executor: Executor): Promise<string> {
  const { notebook, timeoutS, disk, disturb, entry } = trial;
  const execution = new Execution(executor, notebook, {
    ...(timeoutS && { timeoutS }),
    ...(disk && { folder: disk() }),
  });
  await disturb?.(execution);
  const limit = setTimeout(() => signalQuietly(execution.pid, 'SIGKILL'), LIMIT_MS);
  const code = await execution.ended;
  clearTimeout(limit);
  const shown = entry(execution, code);
  await execution.remove();
  return shown;
}

export async function tableOfLosses(): Promise<Section> {
  const body: string[][] = [];
  for (const trial of TRIALS)
    body.push([trial.what, ...(await Promise.all(EXECUTORS.map((executor) => tried(trial, executor))))]);
  const names = EXECUTORS.map(({ name }) =>
    name
      .split(' ')
      .slice(0, /^`jupyter/.test(name) ? 2 : 1)
      .join(' '),
  );
  const words = {
    head: ['what happens, and what the notebook has afterwards', ...names.map(unquoted)],
    body,
  };
  const findings = [
    'The options of each are those of the tables above.',
    ...(NO_ROOT ? [`A full disk was not tried: ${NO_ROOT}.`] : []),
  ];
  return { title: 'What each program loses', unit: 'ms', samples: new Map(), words, findings };
}

function unquoted(name: string): string {
  return name.replaceAll('`', '');
}
