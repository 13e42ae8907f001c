import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { withLock } from '../../src/state/lock.ts';
import { quietContext } from '../../src/system/context.ts';
import { notebookOf } from '../hosts/driver.ts';
import { keeperOf } from '../hosts/keeper.ts';
import { missing, NO_PROC } from '../hosts/needs.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { CTRL_C, openTerminal } from '../hosts/terminal.ts';
import { eventually, type Laptop, makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** A run that is followed, while it is running. */

let world: World;
before(async () => {
  world = await makeWorld();
});
after(() => world.remove());

/** Waits in a cell until the test creates a file in the home folder of the host. */
const waitFor = (name: string) => `while not os.path.exists('${name}'): time.sleep(0.05)`;

function write(laptop: Laptop, name: string, ...sources: string[]): string {
  const path = join(String(laptop.env.HOME), name);
  writeFileSync(path, JSON.stringify(notebookOf(...sources)));
  return path;
}

/** Lets a cell continue that waits for this file. */
const go = (name: string) => writeFileSync(join(world.home, name), '');

function untilPrinted(run: string, words: string): Promise<void> {
  const log = join(world.home, '.local/state/remote-notebook/runs', run, 'text');
  return eventually(
    `${run} prints ${words}`,
    () => existsSync(log) && readFileSync(log, 'utf8').includes(words),
    240_000,
  );
}

describe('a run that is followed', { concurrency: 2, skip: NO_PROC || missing('python3') }, () => {
  test('loses no part of a line, and prints none twice, if the connection is cut within it', async () => {
    const laptop = world.anotherLaptop();
    const source = `import os, time
print('whole')
print('first half, ', end='', flush=True)
${waitFor('half')}
print('second half')
${waitFor('all')}
print('last')`;
    const path = write(laptop, 'cut.ipynb', source);
    const waiting = laptop.start('run', path, 'loopback', '{F}', '--wait');
    await untilPrinted('cut-1', 'first half, ');
    await waiting.saw('whole', 'stdout');
    // The beginning of the line must have arrived.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    signalQuietly(keeperOf(laptop).ssh?.pid ?? 0, 'SIGKILL');
    await waiting.saw('was lost, the run continues');
    go('half');
    await waiting.saw('second half', 'stdout');
    go('all');
    const { code, stdout, stderr } = await waiting.ended;
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '--- cell 1 of 1: import os, time\nwhole\nfirst half, second half\nlast\n', stderr);
  });

  test('is shown on a terminal with how much was sent, a bar over its cells, the title of the current one, and the line that it prints', async () => {
    const laptop = world.anotherLaptop();
    const source = `# the long one
import os, time
print('a whole line')
print('epoch 1\\repoch 2', end='', flush=True)
${waitFor('seen')}`;
    const path = write(laptop, 'bar.ipynb', 'print("one")', source);
    const data = join(String(laptop.env.HOME), 'data.bin');
    writeFileSync(data, Buffer.alloc(3_000_000));
    const options = ['-F', world.sshd.sshConfig, '--with', data, '--wait'];
    const command = [...PROGRAM, 'run', path, 'loopback', ...options];
    const env = { ...laptop.env, NO_COLOR: undefined, TERM: 'xterm' };
    const window = openTerminal(['sh', '-c', 'stty cols 100; exec "$@"', 'sh', ...command], env);
    try {
      await window.saw('1 of 2 cells (50 %)');
      await window.saw('cell 2: # the long one  ');
      await window.saw('a whole line\r\n');
      await window.saw('epoch 2');
      go('seen');
      assert.equal(await window.ended, 0);
    } finally {
      await window.close();
    }
    assert.doesNotMatch(window.shown(), /@remote-notebook|\ufffd/);
    assert.match(window.shown(), /… upload {6}\x1b\[2m[\d.]+ [kM]B/);
    // Nothing of the bar stays.
    assert.match(window.shown(), /\x1b\[J[^━╌]*bar-1.*: done, 2 of 2 cells \(100 %\)[^━╌]*$/s);
  });

  test('is left by Ctrl-C, and the message says how to follow it again, and how to cancel it', async () => {
    const laptop = world.anotherLaptop();
    const path = write(
      laptop,
      'left.ipynb',
      `import os, time\nprint('begun', flush=True)\n${waitFor('left')}`,
    );
    const command = [...PROGRAM, 'run', path, 'loopback', '-F', world.sshd.sshConfig, '--wait'];
    const window = openTerminal(command, { ...laptop.env, TERM: 'xterm' });
    try {
      await window.saw('begun');
      window.type(CTRL_C);
      await window.saw('left-1 continues');
      assert.equal(await window.ended, 130);
    } finally {
      await window.close();
    }
    assert.match(window.shown(), /remote-notebook logs left-1 -f.*remote-notebook stop left-1/s);
    const again = laptop.start('logs', 'left-1', '-f');
    await again.saw('begun', 'stdout');
    go('left');
    const { code, stderr } = await again.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /left-1: done, 1 of 1 cells \(100 %\)/);
  });

  test('is not forgotten if the command that has started it is interrupted before it has noted it', async () => {
    const laptop = world.anotherLaptop();
    const path = write(
      laptop,
      'noted.ipynb',
      `import os, time\nprint('begun', flush=True)\n${waitFor('noted')}`,
    );
    mkdirSync(laptop.stateFolder, { recursive: true, mode: 0o700 });
    const starting = await withLock(
      join(laptop.stateFolder, 'runs.json'),
      quietContext(laptop.env),
      async () => {
        const running = laptop.start('run', path, 'loopback', '{F}', '--wait');
        await untilPrinted('noted-1', 'begun');
        // The connection to the host is no longer needed.
        await eventually(
          'the start has ended',
          () => readdirSync(join(laptop.stateFolder, 'c')).length === 0,
        );
        running.signal('SIGINT');
        return running;
      },
    );
    const { code, stderr } = await starting.ended;
    assert.equal(code, 130);
    assert.match(stderr, /noted-1 continues\. .*To cancel it: remote-notebook stop noted-1/);
    go('noted');
    assert.match((await laptop.run('logs', 'noted-1', '-f')).stderr, /noted-1: done/);
  });
});
