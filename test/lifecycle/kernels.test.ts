import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { makeBusy, openSession } from '../hosts/kernels.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { done, started, statusOf, stderrOf } from '../hosts/servers.ts';
import { freePort } from '../hosts/sshd.ts';
import { openTerminal } from '../hosts/terminal.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { PROGRAM } from '../hosts/world.ts';

/** What a user sees of kernels, and the question before they end. */

const world = worldPerTest();

async function busyServer(): Promise<string> {
  const shown = await started(world.laptop);
  const kernel = await openSession(world.laptop, shown, 'long run.ipynb');
  await makeBusy(world, world.laptop, shown, kernel);
  return kernel;
}

test('status shows each kernel, its notebook, whether it is busy, and how long the server has been running', async () => {
  const shown = await started(world.laptop);
  const idle = await openSession(world.laptop, shown, 'idle.ipynb');
  const busy = await openSession(world.laptop, shown, 'long run.ipynb');
  await makeBusy(world, world.laptop, shown, busy);
  const now = await statusOf(world.laptop);
  const seen = Object.fromEntries(now.jupyter.kernels.map((kernel: { id: string }) => [kernel.id, kernel]));
  assert.deepEqual(Object.keys(seen).sort(), [idle, busy].sort());
  assert.deepEqual([seen[idle].notebook, seen[idle].name], ['idle.ipynb', 'python3']);
  assert.deepEqual([seen[busy].notebook, seen[busy].state], ['long run.ipynb', 'busy']);
  assert.ok(Date.now() - Date.parse(seen[busy].lastActivity) < 600_000);
  const table = await done(world.laptop, 'status');
  assert.match(table, /^loopback {2}running .* {2}\d+ (s|min) {2,}2 {8}loopback/m);
  assert.match(table, /^ {2}long run\.ipynb: busy, last active \d+ (s|min) ago$/m);
});

test('without a terminal, stop does not end a server with a busy kernel, and the error names its notebook', async () => {
  await busyServer();
  const { code, stderr } = await world.laptop.run('stop');
  assert.equal(code, 1);
  assert.match(stderr, /"loopback" is still running code: long run\.ipynb\n.*--yes/);
  assert.equal((await world.laptop.run('status')).code, 0);
  assert.equal(JSON.parse(await done(world.laptop, 'stop', '--yes', '--json')).outcome, 'shutdown');
  await noProcessIsLeft(world);
});

test('on a terminal, stop asks about a busy kernel, and changes nothing if the answer is no', async () => {
  await busyServer();
  const window = openTerminal([...PROGRAM, 'stop'], world.laptop.env);
  try {
    await window.saw('long run.ipynb: busy');
    await window.saw('[y/N]');
    window.type('n\n');
    assert.equal(await window.ended, 1);
    assert.match(window.shown(), /loopback is still running\./);
  } finally {
    await window.close();
  }
  assert.equal((await world.laptop.run('status')).code, 0);
  const again = openTerminal([...PROGRAM, 'stop'], world.laptop.env);
  try {
    await again.saw('[y/N]');
    again.type('y\n');
    assert.equal(await again.ended, 0);
  } finally {
    await again.close();
  }
  await noProcessIsLeft(world);
});

test('stop also asks about a busy kernel on a laptop that has no record of the server, and leaves nothing there', async () => {
  await busyServer();
  const other = world.anotherLaptop();
  mkdirSync(dirname(other.configurationFile), { recursive: true });
  writeFileSync(
    other.configurationFile,
    `servers:\n  loopback: { destination: loopback, local-port: ${await freePort()}, strict-port: true }\n`,
  );
  const { code, stdout, stderr } = await other.run('stop', 'loopback', '{F}');
  assert.deepEqual([code, stdout], [1, ''], stderr);
  assert.match(stderr, /"loopback" is still running code: long run\.ipynb\n.*--yes/);
  assert.deepEqual(JSON.parse(await done(other, 'status', '--json')).servers, []);
  assert.deepEqual(readdirSync(join(other.stateFolder, 'c')), []);
  assert.equal((await world.laptop.run('status')).code, 0);
  const again = JSON.parse(await done(other, 'stop', 'loopback', '{F}', '--yes', '--json'));
  assert.equal(again.outcome, 'terminated');
});

test('stop and restart also ask about a busy kernel after stop --keep-server, and the tunnel stays closed', async () => {
  await busyServer();
  await done(world.laptop, 'stop', '--keep-server');
  const before = readFileSync(join(world.laptop.stateFolder, 'state.json'), 'utf8');
  for (const verb of ['stop', 'restart']) {
    const { code, stderr } = await world.laptop.run(verb);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /"loopback" is still running code: long run\.ipynb\n/);
    assert.equal(readFileSync(join(world.laptop.stateFolder, 'state.json'), 'utf8'), before);
    assert.deepEqual(readdirSync(join(world.laptop.stateFolder, 'c')), []);
  }
  const stderr = await stderrOf(2, world.laptop, 'stop', '--all');
  assert.match(stderr, /loopback on loopback\n +it does not answer through its tunnel/);
});

test('if the user declines a stop, no later step is shown as done', async () => {
  await busyServer();
  const window = openTerminal([...PROGRAM, 'stop'], world.laptop.env);
  try {
    await window.saw('[y/N]');
    window.type('n\n');
    assert.equal(await window.ended, 1);
    assert.match(window.shown(), /✓ connect/);
    assert.doesNotMatch(window.shown(), /✓ stop/);
  } finally {
    await window.close();
  }
});

test('a busy server that does not respond is stopped anyway', async () => {
  await busyServer();
  const { jupyter: server } = await statusOf(world.laptop);
  process.kill(server.pid, 'SIGSTOP');
  await done(world.laptop, 'stop');
  await noProcessIsLeft(world);
});
