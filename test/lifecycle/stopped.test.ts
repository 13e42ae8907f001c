import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { done, started, statusOf, stderrOf } from '../hosts/servers.ts';

/** Stopping a server that is not running is not a mistake, and never affects or names another server. */

const world = await worldPerFile();
mkdirSync(join(world.home, 'work'));

test('a second stop reports that the server is not running, whether it is saved or not', async () => {
  await started(world.laptop, '--name', 'neighbour');
  await started(world.laptop, '--name', 'neighbor', '-d', 'work');
  await started(world.laptop, '--name', 'saved', '-d', 'work', '--save', 'saved');
  for (const name of ['neighbor', 'saved']) {
    assert.match(await stderrOf(0, world.laptop, 'stop', name), new RegExp(`^${name} is stopped\\.$`, 'm'));
    const { code, stdout, stderr } = await world.laptop.run('stop', name, '--json');
    assert.deepEqual([code, JSON.parse(stdout).outcome], [0, 'gone'], stderr);
    assert.match(
      await stderrOf(0, world.laptop, 'stop', name),
      new RegExp(`^${name} is not running on loopback\\.$`, 'm'),
    );
  }
  assert.equal((await statusOf(world.laptop, 'neighbour')).state, 'connected');
});

test('stop accepts a host, and reports that no server with its name is running there', async () => {
  const stderr = await stderrOf(0, world.laptop, 'stop', 'loopback', '{F}', '--yes');
  // The two stopped servers were on this host, and "neighbour" still is.
  assert.match(stderr, /neighbour is stopped/);
  assert.match(
    await stderrOf(0, world.laptop, 'stop', 'loopback', '{F}'),
    /^loopback is not running on loopback\.$/m,
  );
});

test('stop rejects a name that is neither a server nor a host, and suggests no other name', async () => {
  await started(world.laptop, '--name', 'work');
  for (const words of [['wrok'], ['wrok', '--keep-server'], ['wrok', '--plain', '--yes']]) {
    assert.equal(
      await stderrOf(2, world.laptop, 'stop', ...words, '{F}'),
      'Error: "wrok" is not the name of a server, a run or a host\nTo see which servers there are: remote-notebook status. To see the runs of a host: remote-notebook runs HOST\n',
    );
  }
  await done(world.laptop, 'stop', 'work');
});

test('if a host has several servers, stop HOST asks for a name', async () => {
  await started(world.laptop, '--name', 'one');
  await started(world.laptop, '--name', 'two');
  assert.equal(
    await stderrOf(2, world.laptop, 'stop', 'loopback', '{F}'),
    'Error: loopback has several servers\nName one of them: one, two\n',
  );
  await done(world.laptop, 'stop', '--all', '--yes');
});

test('without a tunnel, stop --keep-server reports that, and does not claim that a server is running', async () => {
  const stderr = await stderrOf(0, world.laptop, 'stop', 'saved', '--keep-server');
  assert.equal(stderr, 'There is no tunnel from this machine to "saved".\n');
});

test('without any known server, stop reports that none are running', async () => {
  const { code, stdout, stderr } = await world.anotherLaptop().run('stop');
  assert.deepEqual([code, stdout, stderr], [0, '', 'No servers started from this machine are running.\n']);
});
