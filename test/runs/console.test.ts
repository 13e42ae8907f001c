import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RunStatus } from '../../src/model/run.ts';
import { notebookOf } from '../hosts/driver.ts';
import { missing, NO_PROC } from '../hosts/needs.ts';
import { fed } from '../hosts/runs.ts';
import { CTRL_D, openTerminal } from '../hosts/terminal.ts';
import { eventually, type Laptop, makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** After the end of a run: the kernel of one that has failed, and the commands that the user has asked for. */

let world: World;
before(async () => {
  world = await makeWorld();
});
after(() => world.remove());

/** Starts a run of a notebook that fails, and returns its status when it has ended. */
async function failed(laptop: Laptop, name: string, ...options: string[]): Promise<RunStatus> {
  const path = join(String(laptop.env.HOME), `${name}.ipynb`);
  writeFileSync(path, JSON.stringify(notebookOf('secret = 6 * 7', '1/0')));
  const started = await laptop.run('run', path, 'loopback', '{F}', '--json', ...options);
  assert.equal(started.code, 0, started.stderr);
  const run = JSON.parse(started.stdout).name;
  let status: RunStatus | undefined;
  await eventually(
    `${run} has failed`,
    async () => {
      const { stdout } = await laptop.run('status', run, '--json');
      [status] = JSON.parse(stdout).runs;
      return status?.state === 'failed';
    },
    240_000,
    500,
  );
  assert.ok(status);
  return status;
}

describe('a run that has failed', { concurrency: 2, skip: NO_PROC || missing('python3') }, () => {
  test('keeps its kernel on request, and `console` shows its variables, until `stop` or the end of the time', async () => {
    const { laptop } = world;
    const { name, kept } = await failed(laptop, 'kept', '--keep-kernel', '1h');
    // The run has ended, although its kernel is there.
    assert.match((await laptop.run('logs', name, '-f')).stdout, /ZeroDivisionError/);
    assert.ok(kept && existsSync(kept));
    const listed = await laptop.run('runs');
    assert.match(listed.stdout, /its kernel is kept; look at its variables: remote-notebook console kept-1/);
    const script = await fed(laptop, 'print(secret)\nsecret += 1\nsecret', 'console', name);
    assert.deepEqual([script.code, script.stdout], [0, '42\n43\n']);
    assert.equal((await fed(laptop, 'absent', 'console', name)).code, 1);
    const window = openTerminal([...PROGRAM, 'console', name], laptop.env);
    try {
      await window.saw('>>> ');
      window.type('secret * 1000\r');
      await window.saw('43000');
      window.type('for i in range(2):\r    print("seen", i)\r\r');
      await eventually('the next prompt is there', () => /seen 1\s.*>>> /s.test(window.shown()));
      window.type(CTRL_D);
      assert.equal(await window.ended, 0);
    } finally {
      await window.close();
    }
    const stopped = await laptop.run('stop', name);
    assert.match(stopped.stderr, /kept-1 had already ended; its kernel is ended, too/);
    assert.equal(existsSync(kept), false);
    const gone = await laptop.run('console', name);
    assert.equal(gone.code, 1);
    assert.match(
      gone.stderr,
      /the kernel of "kept-1" is not there: its time is over, or the run was stopped\n.*--keep-kernel/,
    );
  });

  test('runs the command of --then-on-host on the host, after `run` has returned', async () => {
    const { laptop, home } = world;
    const { name } = await failed(laptop, 'told', '--then-on-host', 'echo "$RUN $STATE $EXIT" >told');
    await eventually('the command has run', () => existsSync(join(home, 'told')));
    await eventually(
      'its output is there',
      () => readFileSync(join(home, 'told'), 'utf8') === `${name} failed 1\n`,
    );
  });

  test('runs the commands of config.yaml at its end, here with --wait and on the host', async () => {
    const laptop = world.anotherLaptop();
    const here = join(String(laptop.env.HOME), 'here');
    mkdirSync(dirname(laptop.configurationFile), { recursive: true });
    const commands = [
      `then: echo "$RUN $STATE $EXIT" >'${here}'`,
      'then-on-host: echo "$STATE" >"there of $RUN"',
    ];
    writeFileSync(laptop.configurationFile, `runs:\n  ${commands.join('\n  ')}\n`, { mode: 0o600 });
    const path = join(String(laptop.env.HOME), 'configured.ipynb');
    writeFileSync(path, JSON.stringify(notebookOf('1')));
    const { code, stderr } = await laptop.run('run', path, 'loopback', '{F}', '--wait', '--name', 'night');
    assert.equal(code, 0, stderr);
    assert.equal(readFileSync(here, 'utf8'), 'night-1 done 0\n');
    const there = join(world.home, 'there of night-1');
    await eventually(
      'the command on the host has run',
      () => existsSync(there) && readFileSync(there, 'utf8') === 'done\n',
    );
  });
});
