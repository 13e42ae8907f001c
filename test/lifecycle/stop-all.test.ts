import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBusy, openSession } from '../hosts/kernels.ts';
import { worldFor, worldPerTest } from '../hosts/lasting.ts';
import { done, started, stderrOf } from '../hosts/servers.ts';
import { openTerminal } from '../hosts/terminal.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { PROGRAM } from '../hosts/world.ts';

const world = worldPerTest();

test('stop --all asks once, lists all servers and busy kernels, and then stops them', async () => {
  const one = await started(world.laptop, '--name', 'one');
  await started(world.laptop, '--name', 'two');
  await makeBusy(world, world.laptop, one, await openSession(world.laptop, one, 'long run.ipynb'));
  const window = openTerminal([...PROGRAM, 'stop', '--all'], world.laptop.env);
  try {
    await window.saw('[y/N]');
    assert.match(window.shown(), /one on loopback\s+long run\.ipynb: busy, .*\s+two on loopback/);
    window.type('y\n');
    assert.equal(await window.ended, 0);
    assert.equal(window.shown().split('[y/N]').length, 2);
  } finally {
    await window.close();
  }
  await noProcessIsLeft(world);
});

test('after a no, stop --all reports that the servers are still running', async () => {
  const { jupyter: server } = await started(world.laptop);
  const window = openTerminal([...PROGRAM, 'stop', '--all'], world.laptop.env);
  await window.saw('[y/N]');
  window.type('n\n');
  assert.equal(await window.ended, 1);
  assert.match(window.shown(), /They are still running\./);
  assert.ok(world.processes().includes(server.pid));
});

test('without servers started from here, stop --all reports that none are running', async () => {
  const { code, stderr } = await world.laptop.run('stop', '--all');
  assert.deepEqual([code, stderr], [0, 'No servers started from this machine are running.\n']);
});

test('stop --all also stops servers that stop --keep-server left running', async () => {
  await started(world.laptop, '--name', 'kept');
  await done(world.laptop, 'stop', '--keep-server');
  const stdout = await done(world.laptop, 'stop', '--all', '--yes', '--json');
  const [kept] = JSON.parse(stdout).servers;
  assert.deepEqual([kept.name, kept.outcome], ['kept', 'terminated']);
  await noProcessIsLeft(world);
});

test('without a terminal and --yes, stop --all stops nothing', async () => {
  const { jupyter: server } = await started(world.laptop);
  const stderr = await stderrOf(2, world.laptop, 'stop', '--all');
  assert.match(stderr, /--yes/);
  assert.ok(world.processes().includes(server.pid));
});

test('stop --all reports a host that cannot be reached, and stops the servers on the others', async (context) => {
  const away = await worldFor(context);
  await started(world.laptop, '--name', 'near');
  const words = ['-F', away.sshd.sshConfig, '--json', '--name', 'far'];
  await done(world.laptop, 'start', 'loopback', ...words);
  await away.sshd.remove();
  const { code, stdout } = await world.laptop.run('stop', '--all', '--yes', '--json');
  assert.equal(code, 1);
  const outcomes = JSON.parse(stdout).servers.map((one: { name: string; outcome: string }) => [
    one.name,
    one.outcome,
  ]);
  assert.deepEqual(Object.fromEntries(outcomes), { near: 'shutdown', far: 'failed' });
});

test('stop --all cannot be combined with a name or another mode', async () => {
  for (const words of [['one'], ['--keep-server'], ['--plain']]) {
    const stderr = await stderrOf(2, world.laptop, 'stop', '--all', ...words);
    assert.match(stderr, new RegExp(`--all and ${words[0]} cannot be combined`));
  }
});
