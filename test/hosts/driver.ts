import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLEAN } from './clean.ts';
import { commandLineOf, processesWith } from './proc.ts';
import { signalQuietly } from './signal.ts';
import { makeFolder, untilRemoved } from './standing.ts';
import { NO_JUPYTER_OF_TODAY, programOfToday } from './today.ts';
import { eventually } from './world.ts';

/** The driver that executes a notebook, run by hand in a folder of the test's own: see src/host/driver.py. */

const DRIVER = fileURLToPath(new URL('../../src/host/driver.py', import.meta.url));

/** The Python with the Jupyter of today, or else the system's. */
const PYTHON = NO_JUPYTER_OF_TODAY ? '/usr/bin/python3' : programOfToday('python');

export interface Output {
  readonly output_type: string;
  readonly name?: string;
  readonly text?: readonly string[];
  readonly data?: Readonly<Record<string, unknown>>;
  readonly ename?: string;
  readonly evalue?: string;
}

export interface Cell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly id?: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly outputs?: readonly Output[];
  readonly execution_count?: number | null;
}

export interface Notebook {
  readonly nbformat: number;
  readonly nbformat_minor: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly cells: readonly Cell[];
}

export function codeCell(source: string, ...tags: readonly string[]): Cell {
  return {
    cell_type: 'code',
    id: Math.random().toString(36).slice(2),
    metadata: tags.length > 0 ? { tags } : {},
    outputs: [],
    execution_count: null,
    source,
  };
}

/** A notebook of code cells, for a kernel that every host with ipykernel has. */
export function notebookOf(...sources: readonly (string | Cell)[]): Notebook {
  const cells = sources.map((source) => (typeof source === 'string' ? codeCell(source) : source));
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  return { nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells };
}

export type DriverEvent = Readonly<Record<string, unknown>> & { readonly e: string };

export interface DriverOptions {
  readonly python?: string;
  /** Where it runs; by default a new folder. */
  readonly folder?: string;
  /** A command with its first words that runs the driver, such as unshare. */
  readonly within?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called when the folder is complete, before the driver starts. */
  readonly before?: () => void;
}

export class DriverRun {
  readonly folder: string;
  readonly #mark: string;
  readonly #python: string;
  readonly ended: Promise<number | null>;
  stderr = '';

  constructor(
    notebook: Notebook | string | Buffer,
    order: Readonly<Record<string, unknown>> = {},
    { python = PYTHON, folder = makeFolder('rn-run-'), within = [], env = {}, before }: DriverOptions = {},
  ) {
    this.folder = folder;
    this.#python = python;
    this.#mark = `rn-driver-${folder.slice(-12)}`;
    const home = join(makeFolder('rn-home-'), 'home');
    mkdirSync(home);
    const isText = typeof notebook === 'string' || Buffer.isBuffer(notebook);
    writeFileSync(join(folder, 'input.ipynb'), isText ? notebook : JSON.stringify(notebook));
    writeFileSync(join(folder, 'order.json'), JSON.stringify({ cwd: home, grace: 60, ...order }));
    const driver = join(folder, 'driver.py');
    copyFileSync(DRIVER, driver);
    before?.();
    const [program = '', ...words] = [...within, python, driver, folder];
    const child = spawn(program, words, {
      cwd: '/',
      env: { ...CLEAN, HOME: home, REMOTE_NOTEBOOK_TEST: this.#mark, ...env },
      // The Debian 13 of the tests ends when its standard input does.
      stdio: [within.length > 0 ? 'pipe' : 'ignore', 'ignore', 'pipe'],
      detached: true,
    });
    child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    untilRemoved(this);
  }

  /** The PIDs of the driver, of its kernel, and of all that they have started. */
  processes(): number[] {
    return processesWith(`REMOTE_NOTEBOOK_TEST=${this.#mark}`);
  }

  removeNow(): void {
    for (const pid of this.processes()) signalQuietly(pid, 'SIGKILL');
  }

  async remove(): Promise<void> {
    this.removeNow();
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }

  read(name: string): string {
    return this.has(name) ? readFileSync(join(this.folder, name), 'utf8') : '';
  }

  events(): DriverEvent[] {
    const lines = this.read('events').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }

  /** The last event of this kind, without its time and its duration. */
  last(kind: string): Record<string, unknown> | undefined {
    const { t: _, e: __, s: ___, ...rest } = this.events().findLast(({ e }) => e === kind) ?? { e: '' };
    return Object.keys(rest).length > 0 ? rest : undefined;
  }

  notes(): string[] {
    return this.events().flatMap(({ e, text }) => (e === 'note' ? [String(text)] : []));
  }

  notebook(): Notebook {
    return JSON.parse(this.read('output.ipynb'));
  }

  /** What the cell with this index has printed to standard output and standard error. */
  printed(index: number): string {
    const outputs = this.notebook().cells[index]?.outputs ?? [];
    return outputs.flatMap(({ text }) => text ?? []).join('');
  }

  /** The PID of the driver, which may run within another program; 0 if it has ended. */
  pid(): number {
    const isIts = (pid: number) => commandLineOf(pid).startsWith(`${this.#python} ${this.folder}`);
    return this.processes().find(isIts) ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    signalQuietly(this.pid(), name);
  }

  kernelPid(): number {
    return Number(this.read('kernel').split(' ')[0]);
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await eventually(`${what}\n${this.read('events')}\n${this.stderr}`, condition, 240_000, 50);
  }

  untilText(words: string): Promise<void> {
    return this.until(`the log contains ${words}`, () => this.read('text').includes(words));
  }

  untilEvent(kind: string): Promise<void> {
    return this.until(`there is an event ${kind}`, () => this.events().some(({ e }) => e === kind));
  }
}

/** Runs a notebook to its end. */
export async function execute(
  notebook: Notebook | string | Buffer,
  order: Readonly<Record<string, unknown>> = {},
  options: DriverOptions = {},
): Promise<{ run: DriverRun; code: number | null; end: Record<string, unknown> | undefined }> {
  const run = new DriverRun(notebook, order, options);
  const code = await run.ended;
  return { run, code, end: run.last('end') };
}
