import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { started, stderrOf } from '../hosts/servers.ts';
import { makeVenv } from '../hosts/venv.ts';

const world = await worldPerFile();
before(async () => {
  makeVenv(join(world.home, 'venv'));
  await started(world.laptop, '-e', '~/venv/');
});

const stateOf = (laptop = world.laptop) => readFileSync(join(laptop.stateFolder, 'state.json'), 'utf8');

/** The ready-made command in an error, as words for the command line. */
function secondServer(stderr: string): string[] {
  const [, words = ''] = /^Or start a second server: remote-notebook (.*)$/m.exec(stderr) ?? [];
  // A shell parses it, as that of a user does.
  return execFileSync('/bin/sh', ['-c', `printf '%s\n' ${words}`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');
}

for (const [setting, words] of [
  ['environment', ['-e', 'other']],
  ['setup', ['--setup', 'true']],
  ['port', ['--port', '9123']],
  ['idle-timeout', ['--idle-timeout', '8h']],
] as const) {
  test(`starting a running server with another ${setting} is an error, and changes nothing`, async () => {
    const before = stateOf();
    const stderr = await stderrOf(
      2,
      world.laptop,
      'start',
      'loopback',
      '{F}',
      ...words,
      '--save',
      'loopback',
    );
    assert.match(
      stderr,
      new RegExp(
        `Error: "loopback" is already running on loopback, with a different ${setting}\nTo connect to the running server, leave out the changed settings. To apply them, stop the server first: remote-notebook stop loopback\nOr start `,
      ),
    );
    assert.equal(stateOf(), before);
    assert.throws(() => readFileSync(world.laptop.configurationFile), /ENOENT/);
  });
}

test('another laptop that finds the running server gets the same error, and is not changed', async () => {
  const laptop = world.anotherLaptop();
  for (const words of [
    ['-e', 'other'],
    ['--command', 'jupyter notebook --debug'],
    ['--port', '9123'],
  ]) {
    const stderr = await stderrOf(2, laptop, 'start', 'loopback', '{F}', ...words, '--save', 'loopback');
    assert.match(
      stderr,
      /"loopback" is already running on loopback, with a different (environment|command|port)\n/,
    );
    assert.throws(() => readFileSync(laptop.configurationFile), /ENOENT/);
    assert.equal((await laptop.run('status')).stdout.startsWith('No servers'), true);
  }
});

test('another directory is the same kind of error, and the command that it prints starts a second server', async () => {
  const stderr = await stderrOf(2, world.laptop, 'start', 'loopback', '{F}', '-d', 'venv');
  assert.match(stderr, /the server "loopback" is in the home folder on loopback, not in venv on loopback\n/);
  const { code, stdout, stderr: said } = await world.laptop.run(...secondServer(stderr), '--json');
  assert.equal(code, 0, said);
  const { name, directory, joined } = JSON.parse(stdout);
  assert.deepEqual([name, directory, joined], ['loopback-2', join(world.home, 'venv'), false]);
  const again = await stderrOf(2, world.laptop, 'start', 'loopback', '{F}', '-d', 'venv/lib');
  assert.ok(secondServer(again).includes('--name=loopback-3'), again);
});

test('start with the same settings, or none, connects to the server without a note', async () => {
  for (const words of [[], ['-e', '~/venv'], ['-e', '~/venv/']]) {
    const stderr = await stderrOf(0, world.laptop, 'start', 'loopback', '{F}', ...words);
    assert.doesNotMatch(stderr, /already running with|different/);
  }
});

test('another setting of the tunnel causes only a note, and the page keeps its address', async () => {
  const stderr = await stderrOf(0, world.laptop, 'start', 'loopback', '{F}', '--local-port', '9');
  assert.match(stderr, /already running with a different local-port; stop it first to apply yours\n/);
});
