import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { debian13Lacks, makeDebian13 } from '../hosts/debian13/debian13.ts';
import { openSession } from '../hosts/kernels.ts';
import { done, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { commandLineOf } from '../hosts/traces.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.remove());

async function endsWhenIdle(world: World): Promise<void> {
  const shown = await started(world.laptop, '--idle-timeout', '1m', ...(await ports()));
  await openSession(world.laptop, shown, 'forgotten.ipynb');
  const state = async () =>
    JSON.parse((await world.laptop.run('status', '--json')).stdout).servers[0].jupyter;
  await eventually('its kernel is gone', async () => (await state()).kernels?.length === 0, 240_000);
  await eventually('it has ended', async () => (await state()).state === 'stopped', 240_000);
  assert.equal(world.processes().includes(shown.jupyter.pid), false);
}

test('a server that is left idle ends its kernels and then itself, though somebody looks at its status', () =>
  endsWhenIdle(world));

test('so does JupyterLab 4', { skip: debian13Lacks() ?? false }, async () => {
  const lab = await makeWorld({ machine: await makeDebian13() });
  await endsWhenIdle(lab).finally(() => lab.remove());
});

test('without --idle-timeout Jupyter is told nothing of idleness, and with it, for each server that is started', async () => {
  const plain = await started(world.laptop, '--name', 'plain');
  assert.doesNotMatch(commandLineOf(plain.jupyter.pid), /timeout/);
  const words = ['--name', 'timed', '--idle-timeout', '8h'];
  const timed = await started(world.laptop, ...words, '--save', 'timed');
  assert.match(
    commandLineOf(timed.jupyter.pid),
    /cull_idle_timeout=28800.*shutdown_no_activity_timeout=28800/,
  );
  assert.match(readFileSync(world.laptop.configurationFile, 'utf8'), /idle-timeout: 8h/);
  const again = JSON.parse(await done(world.laptop, 'restart', 'timed', '--json'));
  assert.match(commandLineOf(again.jupyter.pid), /shutdown_no_activity_timeout=28800/);
});

test('a duration that is none is told, with those that are', async () => {
  for (const word of ['8', '0h', '-1h', '8 h', 'soon', '1.5h', '']) {
    const { code, stderr } = await world.laptop.run('start', 'loopback', '{F}', `--idle-timeout=${word}`);
    assert.equal(code, 2, word);
    assert.match(stderr, /--idle-timeout is ".*", which is no duration\nA duration is .*: 90m, 8h, 2d/);
  }
});
