import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { worldPerTest } from '../hosts/lasting.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { done, started } from '../hosts/servers.ts';

const world = worldPerTest();

test('Jupyter gets idle options only with --idle-timeout', async () => {
  const plain = await started(world.laptop, '--name', 'plain');
  assert.doesNotMatch(commandLineOf(plain.jupyter.pid), /timeout/);
  const words = ['--name', 'timed', '--idle-timeout', '8h'];
  const timed = await started(world.laptop, ...words, '--save', 'timed');
  for (const option of [/cull_idle_timeout=28800/, /shutdown_no_activity_timeout=28800/])
    assert.match(commandLineOf(timed.jupyter.pid), option);
  assert.match(readFileSync(world.laptop.configurationFile, 'utf8'), /idle-timeout: 8h/);
  const again = JSON.parse(await done(world.laptop, 'restart', 'timed', '--json'));
  assert.match(commandLineOf(again.jupyter.pid), /shutdown_no_activity_timeout=28800/);
});

test('an invalid duration is rejected, with examples of valid ones', async () => {
  for (const word of ['8', '0h', '-1h', '8 h', 'soon', '1.5h', '']) {
    const { code, stderr } = await world.laptop.run('start', 'loopback', '{F}', `--idle-timeout=${word}`);
    assert.equal(code, 2, word);
    assert.match(stderr, /--idle-timeout is ".*", which is not a duration\nWrite .*: 90m, 8h, 2d/);
  }
});
