import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ApiKernel, makeBusy, openSession } from '../hosts/kernels.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { askJupyter, done, type Shown, serverRecord, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

const world = worldPerTest();

async function restarted(...args: string[]): Promise<Shown> {
  return JSON.parse(await done(world.laptop, 'restart', '--json', ...args));
}

test('after a restart, the same address has a new server with a new token', async () => {
  const before = await started(world.laptop, ...(await ports()));
  const url = (await done(world.laptop, 'open', '--print')).trim();
  const former = serverRecord(world.laptop);
  await openSession(world.laptop, before, 'lost.ipynb');
  const after = await restarted();
  assert.notEqual(after.jupyter.pid, before.jupyter.pid);
  assert.deepEqual([after.joined, after.jupyter.port, after.url], [false, before.jupyter.port, before.url]);
  const { token } = serverRecord(world.laptop);
  assert.equal((await done(world.laptop, 'open', '--print')).trim(), url.replace(former.token, token));
  assert.notEqual(token, former.token);
  await assert.rejects(askJupyter(after.tunnel.localPort, former.token, '/api/status'), /: 403 /);
  assert.deepEqual(await askJupyter<ApiKernel[]>(after.tunnel.localPort, token, '/api/kernels'), []);
  assert.equal(world.processes().includes(before.jupyter.pid), false);
});

test('a restart shows no step as failed, prints the new page, and starts a server that was stopped', async () => {
  await started(world.laptop, '--save', 'work', ...(await ports()));
  for (const isRunning of [true, false]) {
    if (!isRunning) await done(world.laptop, 'stop', 'work');
    const { code, stdout, stderr } = await world.laptop.run('restart', 'work', '--no-browser');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^work is running on loopback in /m);
    assert.doesNotMatch(stderr, /✗/);
    assert.equal((await fetch(stdout.trim())).status, 200);
  }
});

test('a restart opens the page with its new token, unless --no-browser is given', async () => {
  const opened = join(world.home, 'opened');
  const browser = join(world.home, 'browser');
  writeFileSync(browser, `#!/bin/sh\ncat "\${1#file://}" >>'${opened}'\n`, { mode: 0o755 });
  world.laptop.env.BROWSER = browser;
  await started(world.laptop);
  await done(world.laptop, 'restart', '--no-browser');
  assert.equal(existsSync(opened), false);
  await done(world.laptop, 'restart');
  const { token } = serverRecord(world.laptop);
  await eventually('the browser has the page', () => existsSync(opened));
  await eventually('the page has the token', () => readFileSync(opened, 'utf8').includes(token));
});

test('the token of a restart is in no argument list, and not in the output of --verbose', async () => {
  await started(world.laptop);
  const { code, stderr } = await world.laptop.run('restart', '--verbose', '--no-browser');
  assert.equal(code, 0, stderr);
  const { token } = serverRecord(world.laptop);
  assert.equal(stderr.includes(token), false);
  for (const pid of world.processes()) assert.equal(commandLineOf(pid).includes(token), false);
});

test('restart does not end a busy kernel, unless --yes is given', async () => {
  const before = await started(world.laptop);
  await makeBusy(world, world.laptop, before, await openSession(world.laptop, before, 'long run.ipynb'));
  const { code, stderr } = await world.laptop.run('restart');
  assert.equal(code, 1);
  assert.match(stderr, /"loopback" is still running code: long run\.ipynb/);
  assert.notEqual((await restarted('--yes')).jupyter.pid, before.jupyter.pid);
});

test('restart starts a server that has ended, at its old address', async () => {
  const before = await started(world.laptop, ...(await ports()));
  process.kill(before.jupyter.pid, 'SIGKILL');
  const after = await restarted();
  assert.deepEqual([after.state, after.url], ['connected', before.url]);
});

test('after a restart, another laptop with the old record can stop the new server', async () => {
  const words = await ports();
  await started(world.laptop, ...words);
  const other = world.anotherLaptop();
  await started(other, ...words.slice(0, 2));
  const { jupyter: server } = await restarted();
  assert.equal(JSON.parse(await done(other, 'stop', '--json')).outcome, 'terminated');
  assert.equal(world.processes().includes(server.pid), false);
});
