import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiKernel, makeBusy, openSession } from '../hosts/kernels.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { askJupyter, done, type Shown, serverRecord, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';

const world = worldPerTest();

async function restarted(...args: string[]): Promise<Shown> {
  return JSON.parse(await done(world.laptop, 'restart', '--json', ...args));
}

test('after a restart the same URL leads to a new server, with the token that the page has', async () => {
  const before = await started(world.laptop, ...(await ports()));
  const url = (await done(world.laptop, 'open', '--print')).trim();
  const { token } = serverRecord(world.laptop);
  await openSession(world.laptop, before, 'lost.ipynb');
  const after = await restarted();
  assert.notEqual(after.jupyter.pid, before.jupyter.pid);
  assert.deepEqual([after.joined, after.jupyter.port, after.url], [false, before.jupyter.port, before.url]);
  assert.equal((await done(world.laptop, 'open', '--print')).trim(), url);
  assert.equal((await fetch(url)).status, 200);
  assert.deepEqual(await askJupyter<ApiKernel[]>(after.tunnel.localPort, token, '/api/kernels'), []);
  assert.equal(world.processes().includes(before.jupyter.pid), false);
});

test('a restart shows no step as failed, and one of a server that was stopped calls it a start', async () => {
  await started(world.laptop, '--save', 'work', ...(await ports()));
  const again = await world.laptop.run('restart', 'work');
  assert.match(again.stderr, /work is running again on loopback; open pages reconnect by themselves\./);
  assert.doesNotMatch(again.stderr, /✗/);
  await done(world.laptop, 'stop', 'work');
  const anew = await world.laptop.run('restart', 'work');
  assert.match(
    anew.stderr,
    /work was not running, and has been started on loopback\. Open it: remote-notebook open work/,
  );
});

test("the token of a restart is in no process's argument list, nor shown by --verbose", async () => {
  await started(world.laptop);
  const { token } = serverRecord(world.laptop);
  const { code, stdout, stderr } = await world.laptop.run('restart', '--verbose');
  assert.equal(code, 0, stderr);
  assert.equal(`${stdout}${stderr}`.includes(token), false);
  for (const pid of world.processes()) assert.equal(commandLineOf(pid).includes(token), false);
});

test('a busy kernel keeps its server from a restart, unless --yes is given', async () => {
  const before = await started(world.laptop);
  await makeBusy(world, world.laptop, before, await openSession(world.laptop, before, 'long run.ipynb'));
  const { code, stderr } = await world.laptop.run('restart');
  assert.equal(code, 1);
  assert.match(stderr, /"loopback" is still running code: long run\.ipynb/);
  assert.notEqual((await restarted('--yes')).jupyter.pid, before.jupyter.pid);
});

test('a server that has ended is started again, where it was', async () => {
  const before = await started(world.laptop, ...(await ports()));
  process.kill(before.jupyter.pid, 'SIGKILL');
  const after = await restarted();
  assert.deepEqual([after.state, after.url], ['connected', before.url]);
});

test('another laptop stops the server that a restart has put in the place of the one it knew', async () => {
  const words = await ports();
  await started(world.laptop, ...words);
  const other = world.anotherLaptop();
  await started(other, ...words.slice(0, 2));
  const { jupyter: server } = await restarted();
  assert.equal(JSON.parse(await done(other, 'stop', '--json')).outcome, 'shutdown');
  assert.equal(world.processes().includes(server.pid), false);
});
