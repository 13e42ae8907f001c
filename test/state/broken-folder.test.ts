import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { startTimeOf } from '../../src/system/process.ts';
import { loneLaptopPerTest } from '../hosts/lone-laptop.ts';
import { NO_ROOT } from '../hosts/needs.ts';

/** What can be wrong with the state folder. */

const lone = loneLaptopPerTest();
const { failed } = lone;

const STATE = 'FILES/l/s/remote-notebook';

test('a file in place of the state folder is reported and not changed', async () => {
  writeFileSync(join(lone.folder, 'l', 's'), 'mine');
  const stderr = `Error: cannot read ${STATE}/state.json: ENOTDIR: not a directory
Check that ${STATE} is a folder of yours, or set XDG_STATE_HOME to another place.
`;
  // A verb may read either of its files first.
  const asked = async (...words: string[]) => (await failed(...words)).replace('runs.json', 'state.json');
  for (const verb of ['start', 'stop', 'open', 'logs', 'forward'])
    assert.equal(await asked(verb, 'loopback', '{F}'), stderr);
  assert.equal(await asked('status'), stderr);
});

test('a state folder that cannot be created is reported before anything is run, and nothing is saved', async () => {
  symlinkSync(join(lone.folder, 'nowhere', 'at-all'), join(lone.folder, 'l', 's'));
  const stderr = await failed('start', 'loopback', '{F}', '--save', 'work');
  assert.match(stderr, /^Error: cannot create the folder FILES\/l\/s\/remote-notebook: E/);
  assert.match(stderr, /\nMake FILES\/l\/s writable, or set XDG_STATE_HOME to another folder\.\n$/);
});

test('a state folder that others can enter is rejected: they could control what is running', async () => {
  mkdirSync(lone.laptop.stateFolder, { recursive: true });
  chmodSync(lone.laptop.stateFolder, 0o777);
  assert.equal(
    await failed('start', 'loopback', '{F}', '--save', 'work'),
    `Error: the folder ${STATE} is open to other users (mode 777)
Check its contents, then run: chmod 700 ${STATE}
`,
  );
});

test('a state folder of another user is rejected', { skip: NO_ROOT }, async () => {
  mkdirSync(lone.laptop.stateFolder, { recursive: true, mode: 0o700 });
  chownSync(lone.laptop.stateFolder, 65534, 65534);
  for (const args of [
    ['start', 'loopback', '{F}', '--save', 'work'],
    ['status'],
    ['stop'],
    ['clean'],
    ['open'],
  ])
    assert.equal(
      await failed(...args),
      `Error: the folder ${STATE} belongs to another user (uid 65534)
Remove it, or set XDG_STATE_HOME to another folder.
`,
    );
});

test('clean ends no process that is in the state folder of another user', { skip: NO_ROOT }, async () => {
  const innocent = spawn('sleep', ['1000'], { stdio: 'ignore' });
  try {
    const connection = join(lone.laptop.stateFolder, 'c', 'name');
    mkdirSync(connection, { recursive: true, mode: 0o700 });
    const startTime = await startTimeOf(innocent.pid ?? 0);
    writeFileSync(join(connection, 'state'), `state connected\nkeeper ${innocent.pid} ${startTime}\n`);
    chownSync(lone.laptop.stateFolder, 65534, 65534);
    await failed('clean');
    assert.equal(await startTimeOf(innocent.pid ?? 0), startTime);
  } finally {
    innocent.kill();
  }
});

test('a state folder that is a link is rejected', async () => {
  mkdirSync(dirname(lone.laptop.stateFolder), { recursive: true });
  mkdirSync(join(lone.folder, 'elsewhere'), { mode: 0o700 });
  symlinkSync(join(lone.folder, 'elsewhere'), lone.laptop.stateFolder);
  assert.equal(
    await failed('start', 'loopback', '{F}', '--save', 'work'),
    `Error: the folder ${STATE} is a symbolic link\nSet XDG_STATE_HOME to the folder that it points to.\n`,
  );
});

test("a state folder whose path is too long for ssh's socket is rejected and not created", async () => {
  lone.laptop.env.XDG_STATE_HOME = join(lone.folder, 'l', 's'.repeat(80));
  for (const more of [[], ['--save', 'work']]) {
    const stderr = await failed('start', 'loopback', '{F}', ...more);
    assert.match(
      stderr,
      /^Error: the path FILES\/l\/s{80}\/.*\/control is too long for a control socket \(86 bytes\)\n/,
    );
    assert.match(stderr, /\nSet XDG_STATE_HOME to a shorter folder\.\n$/);
  }
});

test('a state folder whose path ssh would read differently is rejected and not created', async () => {
  for (const name of ['100%', '${HOME}']) {
    lone.laptop.env.XDG_STATE_HOME = join(lone.folder, 'l', name);
    const stderr = await failed('start', 'loopback', '{F}', '--save', 'work');
    assert.match(stderr, /contains a % or a \$\{, which ssh would replace\n/);
  }
});
