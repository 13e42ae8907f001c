import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLEAN } from './clean.ts';
import type { Notebook } from './driver.ts';
import { commandLineOf, peakMemory, processesWith } from './proc.ts';
import { registryVenv } from './registry-venv.ts';
import { signalQuietly } from './signal.ts';
import { makeFolder, untilRemoved } from './standing.ts';

/** The programs that execute a notebook to its end, in one environment: ours, and those that people use instead. */

const venv = registryVenv('executors', ['ipykernel', 'nbclient', 'nbconvert', 'papermill']);

/** For a test's `skip`: why this machine cannot install them. */
export const NO_EXECUTORS = venv.missing;

const DRIVER = fileURLToPath(new URL('../../src/host/driver.py', import.meta.url));
const program = (name: string) => join(venv.folder, 'bin', name);

/** What its documentation shows for notebooks in which a cell may fail. */
const NBCLIENT = `import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read("input.ipynb", as_version=4)
client = NotebookClient(notebook, timeout=float(sys.argv[1]) or None, coalesce_streams=True)
try:
    client.execute()
finally:
    nbformat.write(notebook, "output.ipynb")
`;

export interface Executor {
  /** Its name, with its options, for people. */
  readonly name: string;
  /** The command that executes input.ipynb of the working directory and writes output.ipynb. @param timeoutS of a cell; 0: none */
  command(timeoutS: number): readonly string[];
}

export const OURS = 'remote-notebook';

/** Each with the options that lose the least. */
export const EXECUTORS: readonly Executor[] = [
  { name: OURS, command: () => [program('python'), 'driver.py', '.'] },
  {
    name: 'nbclient (`coalesce_streams`, written in `finally`)',
    command: (timeoutS) => [program('python'), 'plain.py', String(timeoutS)],
  },
  {
    name: '`jupyter nbconvert --to notebook --execute --coalesce-streams`',
    command: (timeoutS) => [
      ...[
        program('jupyter-nbconvert'),
        '--to',
        'notebook',
        '--execute',
        'input.ipynb',
        '--output',
        'output.ipynb',
      ],
      ...['--coalesce-streams', `--ExecutePreprocessor.timeout=${timeoutS || -1}`],
    ],
  },
  {
    name: '`papermill --autosave-cell-every 5`',
    command: (timeoutS) => [
      ...[
        program('papermill'),
        'input.ipynb',
        'output.ipynb',
        '--no-progress-bar',
        '--autosave-cell-every',
        '5',
      ],
      ...(timeoutS ? ['--execution-timeout', String(timeoutS)] : []),
    ],
  },
];

/** One notebook that an executor executes. */
export class Execution {
  readonly folder: string;
  /** A directory for the cells, which is not on the disk of the notebook: `WORK` in their environment. */
  readonly cwd: string;
  /** The exit status; null after a signal. */
  readonly ended: Promise<number | null>;
  hasEnded = false;
  /** What it prints. */
  said = '';
  /** Its most memory until now, in kB, without that of its kernel. */
  memory = 0;
  readonly pid: number;
  readonly #mark: string;

  /** @param folder where the notebook is; by default a new folder */
  constructor(
    executor: Executor,
    notebook: Notebook | string,
    { timeoutS = 0, folder = makeFolder('rn-execution-') } = {},
  ) {
    this.folder = folder;
    this.cwd = join(makeFolder('rn-cwd-'), 'home');
    mkdirSync(this.cwd);
    this.#mark = `rn-execution-${folder.slice(-6)}`;
    writeFileSync(
      join(folder, 'input.ipynb'),
      typeof notebook === 'string' ? notebook : JSON.stringify(notebook),
    );
    writeFileSync(join(folder, 'order.json'), JSON.stringify({ cwd: this.cwd, cell_timeout: timeoutS }));
    writeFileSync(join(folder, 'plain.py'), NBCLIENT);
    copyFileSync(DRIVER, join(folder, 'driver.py'));
    const [first = '', ...words] = executor.command(timeoutS);
    const child = spawn(first, words, {
      cwd: folder,
      env: { ...CLEAN, HOME: this.cwd, REMOTE_NOTEBOOK_TEST: this.#mark, WORK: this.cwd },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.pid = child.pid ?? 0;
    for (const output of [child.stdout, child.stderr])
      output.on('data', (chunk) => {
        this.said += chunk;
      });
    const timer = setInterval(() => this.#measure(), 10);
    this.ended = new Promise((resolve) => child.once('close', (code) => resolve(code)));
    void this.ended.then(() => {
      this.hasEnded = true;
      clearInterval(timer);
    });
    untilRemoved(this);
  }

  #measure(): void {
    try {
      this.memory = Math.max(this.memory, peakMemory(this.pid) || 0);
    } catch {}
  }

  kernels(): number[] {
    const all = processesWith(`REMOTE_NOTEBOOK_TEST=${this.#mark}`);
    return all.filter((pid) => commandLineOf(pid).includes('ipykernel_launcher'));
  }

  /** The text of a file of the notebook's folder, or of the cells' directory; empty if it is not there. */
  read(name: string, folder = this.folder): string {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch {
      return '';
    }
  }

  removeNow(): void {
    for (const pid of processesWith(`REMOTE_NOTEBOOK_TEST=${this.#mark}`)) signalQuietly(pid, 'SIGKILL');
  }

  /** Ends its processes; its kernel may have outlived it. */
  remove = async (): Promise<void> => this.removeNow();
}
