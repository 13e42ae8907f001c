import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunStatus } from '../../src/model/run.ts';
import { codeCell, type Notebook, notebookOf } from './driver.ts';
import { commandLineOf } from './proc.ts';
import { makeFolder } from './standing.ts';
import { eventually, type Laptop, PROGRAM, type World } from './world.ts';

/** Notebooks that a laptop has executed on a host. */

/** Writes a notebook to a new folder of the laptop, and returns its path. */
export function writeNotebook(laptop: Laptop, name: string, notebook: Notebook): string {
  const folder = join(String(laptop.env.HOME), `notebooks-${Math.random().toString(36).slice(2)}`);
  mkdirSync(folder);
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(notebook));
  return path;
}

/** Runs the command with this text on its standard input. */
export async function fed(laptop: Laptop, text: string, ...words: string[]) {
  const [program = '', ...args] = [...PROGRAM, ...words];
  const child = spawn(program, args, { env: laptop.env });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.end(text);
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

/** What a verb prints with `--json`, whatever its exit status is. */
export async function json<T>(laptop: Laptop, ...words: string[]): Promise<T> {
  const { stdout, stderr } = await laptop.run(...words, '--json');
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

export async function runsOf(laptop: Laptop): Promise<RunStatus[]> {
  return (await json<{ runs: RunStatus[] }>(laptop, 'runs', 'loopback', '{F}')).runs;
}

export async function runOf(laptop: Laptop, name: string): Promise<RunStatus | undefined> {
  return (await runsOf(laptop)).find((run) => run.name === name);
}

export function readNotebook(path: string): Notebook {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Everything that the cells of a notebook have printed. */
export function printedIn({ cells }: Notebook): string {
  return cells.flatMap(({ outputs = [] }) => outputs.flatMap(({ text }) => text ?? [])).join('');
}

/** The folder on the host that holds one folder for each run. */
export function runsOn({ home }: Pick<World, 'home'>): string {
  return join(home, '.local/state/remote-notebook/runs');
}

/** Waits until the log of a run on the host contains these words. */
export function untilPrinted(world: World, name: string, words: string): Promise<void> {
  const log = join(runsOn(world), name, 'text');
  return eventually(
    `${name} prints ${words}`,
    () => existsSync(log) && readFileSync(log, 'utf8').includes(words),
    240_000,
  );
}

/** A cell that prints "begun", and then takes as long as nobody interrupts it. */
export const LONG = 'import time\nprint("begun", flush=True)\ntime.sleep(1000)';

/** Starts a run, and waits until its only cell prints "begun". Returns its folder on the host. */
export async function begun(world: World, name: string, source = LONG): Promise<string> {
  const path = writeNotebook(world.laptop, `${name}.ipynb`, notebookOf(source));
  const { code, stderr } = await world.laptop.run('run', path, 'loopback', '{F}');
  assert.equal(code, 0, stderr);
  await untilPrinted(world, `${name}-1`, 'begun');
  return join(runsOn(world), `${name}-1`);
}

/** Waits until a run has ended, and returns how. */
export async function untilEnded(world: World, name: string): Promise<RunStatus> {
  const status = join(runsOn(world), name, 'status');
  await eventually(`${name} has ended`, () => existsSync(status), 240_000);
  const run = await runOf(world.laptop, name);
  assert.ok(run, `${name} is listed`);
  return run;
}

/** The PID of the driver of a run; 0 if it has ended. */
export function driverOf(world: World, name: string): number {
  const isIts = (pid: number) => commandLineOf(pid).includes(`/${name}/driver.py `);
  return world.processes().find(isIts) ?? 0;
}

/** The PID of the kernel of a run. */
export function kernelOf(folder: string): number {
  return Number(readFileSync(join(folder, 'kernel'), 'utf8').split(' ')[0]);
}

/**
 * A venv on a host whose Python waits where a test needs it to: it creates the file `reached` of the venv, and continues when
 * the file `go` exists.
 * @param where `driver` before a driver starts, `result` in the middle of a notebook that comes home
 */
export function heldVenv(where: 'driver' | 'result') {
  const venv = join(makeFolder('rn-held-'), 'venv');
  mkdirSync(join(venv, 'bin'), { recursive: true });
  writeFileSync(join(venv, 'bin', 'activate'), `VIRTUAL_ENV='${venv}'\nexport VIRTUAL_ENV\n`);
  const wait = `: >'${venv}/reached'; until [ -e '${venv}/go' ]; do sleep 0.05; done`;
  const lines = {
    driver: `case $1 in */driver.py) ${wait} ;; esac`,
    result: `case $1 in -I) /usr/bin/python3 "$@" | { head -c 60000; ${wait}; cat; }; exit ;; esac`,
  };
  const text = ['#!/bin/sh', lines[where], 'exec /usr/bin/python3 "$@"', ''].join('\n');
  writeFileSync(join(venv, 'bin', 'python'), text, { mode: 0o755 });
  return {
    venv,
    reached: () => eventually('the host has reached it', () => existsSync(join(venv, 'reached')), 240_000),
    go: () => writeFileSync(join(venv, 'go'), ''),
  };
}

/** A notebook with text of this size, in which no two places are the same. */
export function largeNotebook(size: number, ...sources: readonly string[]): Notebook {
  let text = '';
  for (let n = 0; text.length < size; n++) text += `${n * 7919} ${Math.sin(n)}\n`;
  const cell = { ...codeCell(''), cell_type: 'raw', source: text };
  const { outputs: _, execution_count: __, ...raw } = cell;
  const notebook = notebookOf(...sources);
  return { ...notebook, cells: [raw, ...notebook.cells] };
}
