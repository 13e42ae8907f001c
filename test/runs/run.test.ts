import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RunStatus } from '../../src/model/run.ts';
import { codeCell, notebookOf } from '../hosts/driver.ts';
import { NO_PROC } from '../hosts/needs.ts';
import {
  driverOf,
  json,
  kernelOf,
  LONG,
  printedIn,
  readNotebook,
  runsOf,
  runsOn,
  untilPrinted,
  writeNotebook,
} from '../hosts/runs.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { CTRL_C, openTerminal } from '../hosts/terminal.ts';
import { eventually, makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** Notebooks that are executed on a host, from a laptop that may be closed meanwhile. */

let world: World;
before(async () => {
  world = await makeWorld();
});
after(() => world.remove());

/** Waits in a cell until the test creates a file in the home folder of the host. */
const untilThere = (name: string) => `import os, time\nwhile not os.path.exists('${name}'): time.sleep(0.05)`;

describe('a notebook on a host', { concurrency: 2, skip: NO_PROC }, () => {
  test('is executed to its end after `run` has returned, and `fetch` brings it home beside the one that was sent', async () => {
    const { laptop } = world;
    const path = writeNotebook(
      laptop,
      'first try.ipynb',
      notebookOf('x = 1', codeCell('n = 2', 'parameters'), `${untilThere('returned')}\nprint(x + n)`),
    );
    const started = await json<RunStatus>(laptop, 'run', path, 'loopback', '{F}', '-P', 'n=41');
    assert.deepEqual([started.name, started.state, started.cells], ['first-try-1', 'running', 4]);
    writeFileSync(join(world.home, 'returned'), '');
    await eventually(
      'the run has ended',
      async () => (await runsOf(laptop)).find(({ name }) => name === 'first-try-1')?.state === 'done',
      240_000,
      500,
    );
    const { code, stdout, stderr } = await laptop.run('fetch', 'first-try-1');
    assert.equal(code, 0, stderr);
    const result = path.replace('.ipynb', '.out.ipynb');
    assert.equal(stdout.trim(), result);
    assert.equal(printedIn(readNotebook(result)), '42\n');
    // What somebody has changed since is not overwritten.
    assert.equal((await laptop.run('fetch', 'first-try-1')).code, 0);
    writeFileSync(result, 'mine');
    const refused = await laptop.run('fetch', 'first-try-1');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /was changed since it was written/);
    assert.equal(readFileSync(result, 'utf8'), 'mine');
    chmodSync(result, 0o600);
    assert.equal((await laptop.run('fetch', 'first-try-1', '--force')).code, 0);
    assert.equal(printedIn(readNotebook(result)), '42\n');
    assert.equal(statSync(result).mode & 0o777, 0o600);
  });

  test('is cancelled by `stop`, from another laptop, too, and keeps its outputs', async () => {
    const { laptop } = world;
    const path = writeNotebook(laptop, 'long.ipynb', notebookOf('print("first")', LONG));
    assert.equal((await laptop.run('run', path, 'loopback', '{F}')).code, 0);
    await untilPrinted(world, 'long-1', 'begun');
    const half = await laptop.run('fetch', 'long-1', '--output', `${path}.half`);
    assert.equal(half.code, 0, half.stderr);
    const other = world.anotherLaptop();
    const unknown = await other.run('stop', 'long-1', '{F}');
    assert.notEqual(unknown.code, 0);
    const listed = (await runsOf(other)).find(({ name }) => name === 'long-1');
    assert.deepEqual([listed?.state, listed?.done, listed?.cell?.number], ['running', 1, 2]);
    assert.equal(listed?.cell?.title, 'import time');
    const logs = await other.run('logs', 'long-1');
    assert.match(
      logs.stdout,
      /^--- cell 1 of 2: print\("first"\)\nfirst\n--- cell 2 of 2: import time\nbegun\n$/,
    );
    const stopped = await other.run('stop', 'long-1');
    assert.equal(stopped.code, 0, stopped.stderr);
    assert.match(stopped.stderr, /long-1 is cancelled: 1 of 2 cells \(50 %\)\./);
    const again = await json<{ outcome: string; state: string }>(laptop, 'stop', 'long-1');
    assert.deepEqual([again.outcome, again.state], ['gone', 'cancelled']);
    const fetched = await other.run('fetch', 'long-1', '--output', `${path}.other`);
    assert.equal(fetched.code, 0, fetched.stderr);
    assert.equal(printedIn(readNotebook(`${path}.other`)), 'first\nbegun\n');
  });

  test('is shown by `status --watch` until it has ended', async () => {
    // A run that has ended is shown once: the test beside this one must not be the first to see it.
    const laptop = world.anotherLaptop();
    const path = writeNotebook(laptop, 'watched.ipynb', notebookOf(untilThere('seen'), '1', '2', '3', '4'));
    assert.equal((await laptop.run('run', path, 'loopback', '{F}')).code, 0);
    const window = openTerminal([...PROGRAM, 'status', '--watch'], laptop.env);
    try {
      await window.saw('0 of 5 (0 %)');
      writeFileSync(join(world.home, 'seen'), '');
      await window.saw('5 of 5 (100 %)');
      window.type(CTRL_C);
      assert.equal(await window.ended, 0);
    } finally {
      await window.close();
    }
  });

  test('with --wait prints what its cells print, fetches its result, and exits with the state of the run', async () => {
    const { laptop } = world;
    const path = writeNotebook(
      laptop,
      'fails.ipynb',
      notebookOf('print("one")', 'print("two")\n1/0', 'print("three")'),
    );
    const then = `echo "$RUN $STATE $EXIT" >'${path}.told'`;
    const { code, stdout, stderr } = await laptop.run(
      'run',
      path,
      'loopback',
      '{F}',
      '--wait',
      '--then',
      then,
    );
    assert.equal(code, 1, stderr);
    assert.match(stdout, /^--- cell 1 of 3: print\("one"\)\none\n--- cell 2 of 3: print\("two"\)\ntwo\n/);
    assert.match(
      stderr,
      /fails-1: failed, 1 of 3 cells \(33 %\)\. Its notebook is in .*fails\.out\.ipynb\n {2}ZeroDivisionError: division by zero/,
    );
    assert.equal(readFileSync(`${path}.told`, 'utf8'), 'fails-1 failed 1\n');
    assert.equal(printedIn(readNotebook(path.replace('.ipynb', '.out.ipynb'))), 'one\ntwo\n');
  });

  test('with --wait reports its end, and runs the command of --then, although its result cannot be written', async () => {
    const { laptop } = world;
    const source = `print("begun", flush=True)\n${untilThere('go-on')}`;
    const path = writeNotebook(laptop, 'taken.ipynb', notebookOf(source));
    const result = path.replace('.ipynb', '.out.ipynb');
    const then = `echo "$STATE $EXIT" >'${path}.told'`;
    const waiting = laptop.start('run', path, 'loopback', '{F}', '--wait', '--then', then);
    await waiting.saw('begun', 'stdout');
    writeFileSync(result, 'mine');
    writeFileSync(join(world.home, 'go-on'), '');
    const { code, stderr } = await waiting.ended;
    assert.equal(code, 1);
    assert.match(stderr, /taken-1: done, 1 of 1 cells \(100 %\)\.\n.*was changed since it was written/);
    assert.match(stderr, /Its notebook is still on loopback: remote-notebook fetch taken-1/);
    assert.equal(readFileSync(`${path}.told`, 'utf8'), 'done 0\n');
    assert.equal(readFileSync(result, 'utf8'), 'mine');
  });

  test('that is on the host runs in its own folder, and gets a number of its own', async () => {
    const { laptop, home } = world;
    const folder = join(home, `exp it's`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'data.txt'), 'data beside it');
    writeFileSync(
      join(folder, 'on host.ipynb'),
      JSON.stringify(notebookOf('print(open("data.txt").read())')),
    );
    const at = `loopback:exp it's/on host.ipynb`;
    const starts = await Promise.all([1, 2, 3].map(() => laptop.run('run', at, '{F}', '--json')));
    const names = starts.map(({ stdout, stderr }) => {
      assert.notEqual(stdout, '', stderr);
      return JSON.parse(stdout).name;
    });
    assert.deepEqual(names.toSorted(), ['on-host-1', 'on-host-2', 'on-host-3']);
    for (const name of names) await untilPrinted(world, name, 'data beside it\n');
  });

  test('whose driver was killed is shown as lost, and `stop` ends its kernel', async () => {
    const { laptop } = world;
    const path = writeNotebook(laptop, 'lost.ipynb', notebookOf(LONG));
    assert.equal((await laptop.run('run', path, 'loopback', '{F}')).code, 0);
    await untilPrinted(world, 'lost-1', 'begun');
    const folder = join(runsOn(world), 'lost-1');
    const kernel = kernelOf(folder);
    // A kernel that was stopped does not notice that its driver is gone, as below a subreaper.
    signalQuietly(kernel, 'SIGSTOP');
    signalQuietly(driverOf(world, 'lost-1'), 'SIGKILL');
    await eventually('the run is lost', async () => {
      return (await runsOf(laptop)).find(({ name }) => name === 'lost-1')?.state === 'lost';
    });
    const { outcome } = await json<{ outcome: string }>(laptop, 'stop', 'lost-1');
    assert.equal(outcome, 'killed');
    assert.ok(!world.processes().includes(kernel));
    assert.equal((await laptop.run('fetch', 'lost-1')).code, 0);
  });

  test('is refused with the reason, and nothing stays, if it cannot be executed', async () => {
    const { laptop } = world;
    const path = writeNotebook(laptop, 'unfit.ipynb', notebookOf('1'));
    const refused = await laptop.run('run', path, 'loopback', '{F}', '--kernel', 'absent');
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /the notebook cannot be executed on loopback: there is no kernel absent there; there are: /,
    );
    const missing = await laptop.run('run', 'loopback:nowhere.ipynb', '{F}');
    assert.match(missing.stderr, /the notebook "nowhere.ipynb" does not exist on loopback/);
    const folders = () => readdirSync(runsOn(world));
    assert.deepEqual(
      folders().filter((name) => /unfit|nowhere/.test(name)),
      [],
    );
    // That of the test beside this one comes and goes.
    await eventually('no upload is left', () => !folders().some((name) => name.startsWith('.')));
  });
});
