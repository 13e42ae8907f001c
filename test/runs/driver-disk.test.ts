import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { DriverRun, notebookOf } from '../hosts/driver.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { makeFolder, untilRemoved } from '../hosts/standing.ts';

/** A run whose disk is full: it computes on, waits for room, and loses nothing. */

const disks: { remove(): void | Promise<void> }[] = [];
after(async () => {
  for (const disk of disks) await disk.remove();
});

/** A folder on a small disk of its own, with functions that fill it and make room again. */
function makeDisk() {
  const folder = makeFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'tmpfs', folder]);
  const remove = () => void execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' });
  disks.push(untilRemoved({ remove, removeNow: remove }));
  const filler = join(folder, 'filler');
  const fill = () => {
    for (const size of [1 << 16, 1 << 12, 1])
      try {
        for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: 'a' });
      } catch {}
  };
  return { folder, fill, free: () => rmSync(filler) };
}

const PRINTS = 'for n in range(2_000): print("line", n)\nprint("last")';
const lines = `${Array.from({ length: 2_000 }, (_, n) => `line ${n}\n`).join('')}last\n`;

describe('a run on a full disk', { concurrency: 3, skip: NO_ROOT }, () => {
  test('computes on, waits for room at its end, and then saves everything', async () => {
    const { folder, fill, free } = makeDisk();
    const source =
      'import os, time\nprint("begun", flush=True)\nwhile not os.path.exists("on"): time.sleep(0.05)';
    const cwd = makeFolder();
    const run = new DriverRun(notebookOf(source, PRINTS), { save_every: 0.2, cwd }, { folder });
    await run.untilText('begun');
    await run.until('the notebook is saved', () => run.printed(0) === 'begun\n');
    fill();
    writeFileSync(join(cwd, 'on'), '');
    await run.until('the kernel has ended', () => run.processes().length === 1);
    assert.equal(run.printed(0), 'begun\n');
    assert.equal(run.has('status'), false);
    free();
    assert.equal(await run.ended, 0, run.stderr);
    const kinds = run.events().map(({ e }) => e);
    assert.equal(kinds.filter((kind) => kind === 'unsaved').length, 1);
    assert.deepEqual(kinds.slice(-3), ['waiting', 'saved-again', 'end']);
    assert.match(String(run.last('waiting')?.why), /No space left on device/);
    assert.equal(run.printed(1), lines);
    assert.ok(run.read('text').endsWith(`print("line", n)\n${lines}`));
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.part')),
      [],
    );
  });

  test('that is full from its start on is executed, and saved when there is room', async () => {
    const { folder, fill, free } = makeDisk();
    const run = new DriverRun(notebookOf(PRINTS), {}, { folder, before: fill });
    await run.until('the kernel has come and gone', () => run.processes().length > 1);
    await run.until('the kernel has ended', () => run.processes().length === 1);
    assert.equal(run.has('output.ipynb'), false);
    free();
    assert.equal(await run.ended, 0, run.stderr);
    assert.equal(run.printed(0), lines);
    assert.deepEqual(
      run
        .events()
        .map(({ e }) => e)
        .at(-1),
      'end',
    );
  });

  test('ends without its last outputs when it is told to a second time', async () => {
    const { folder, fill } = makeDisk();
    const source = 'import time\nprint("begun", flush=True)\ntime.sleep(1000)';
    const run = new DriverRun(notebookOf(source), { save_every: 0.2 }, { folder });
    await run.until('the notebook is saved', () => run.has('output.ipynb') && run.printed(0) === 'begun\n');
    fill();
    run.signal('SIGTERM');
    await run.until('the kernel has ended', () => run.processes().length === 1);
    run.signal('SIGTERM');
    assert.equal(await run.ended, 130, run.stderr);
    assert.equal(run.printed(0), 'begun\n');
    assert.deepEqual(run.processes(), []);
  });
});
