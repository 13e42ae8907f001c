import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldFor } from '../hosts/lasting.ts';
import { flag, hasFlag, heldCommand, PHASES } from '../hosts/phases.ts';
import { makeRelay } from '../hosts/relay.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { makeWorld } from '../hosts/world.ts';

/** A start that is interrupted in any phase leaves nothing behind, here or on the host. */

for (const phase of PHASES) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`${signal} in the phase "${phase.name}" of a start leaves nothing behind`, async () => {
      const world = await makeWorld();
      try {
        const args = phase.prepare(world);
        const start = world.laptop.start('start', 'loopback', '{F}', '--no-browser', ...args);
        await phase.reach(world, start);
        start.signal(signal);
        const { code, stdout, stderr } = await start.ended;
        assert.equal(code, 130, stderr);
        assert.equal(stdout, '');
        assert.match(stderr, /(^|\n)Interrupted; nothing is left behind\.\n$/);
        await nothingIsLeft(world);
      } finally {
        phase.letGo(world);
        await world.remove();
      }
    });
  }
}

test('Ctrl-C before the keeper has written its PID leaves nothing behind', async () => {
  const world = await makeWorld();
  try {
    const { PATH } = world.laptop.env;
    const lines = ['#!/bin/sh', `: >'${flag(world)}'`, 'sleep 0.2', `PATH='${PATH}' exec ssh "$@"`, ''];
    const bin = join(world.home, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'ssh'), lines.join('\n'), { mode: 0o755 });
    world.laptop.env.PATH = `${bin}:${PATH}`;
    process.kill(world.sshd.pid(), 'SIGSTOP');
    const start = world.laptop.start('start', 'loopback', '{F}', '--no-browser');
    await hasFlag(world);
    start.signal('SIGINT');
    const { code, stderr } = await start.ended;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /(^|\n)Interrupted; nothing is left behind\.\n$/);
    await nothingIsLeft(world);
  } finally {
    process.kill(world.sshd.pid(), 'SIGCONT');
    await world.remove();
  }
});

test('Ctrl-C before the first output of a slow host arrives leaves nothing behind', async () => {
  const world = await makeWorld();
  const relay = await makeRelay(world, 600);
  try {
    mkdirSync(join(world.home, 'venv', 'bin'), { recursive: true });
    writeFileSync(join(world.home, 'venv', 'bin', 'activate'), `: >'${flag(world)}'; sleep 600\n`);
    const words = ['start', 'loopback', '-F', relay.sshConfig, '--no-browser', '--environment', 'venv'];
    const start = world.laptop.start(...words);
    await hasFlag(world);
    start.signal('SIGINT');
    const { code, stderr } = await start.ended;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /(^|\n)Interrupted; nothing is left behind\.\n$/);
    await nothingIsLeft(world);
  } finally {
    await world.remove();
    relay.close();
  }
});

test('Ctrl-C ends a wrapper around Jupyter with all processes that it has started', async (context) => {
  const world = await worldFor(context);
  const command = `sh -c ': >"${flag(world)}"; (sleep 600; :) & sleep 600; :'`;
  const start = world.laptop.start('start', 'loopback', '{F}', '--no-browser', '--command', command);
  await hasFlag(world);
  start.signal('SIGINT');
  assert.equal((await start.ended).code, 130);
  await nothingIsLeft(world);
});

test('Ctrl-C on a start that waits for another laptop does not affect the start of that laptop', async (context) => {
  const world = await worldFor(context);
  const held = ['--command', heldCommand(world)];
  const first = world.laptop.start('start', 'loopback', '{F}', '--no-browser', ...held);
  await hasFlag(world);
  const other = world.anotherLaptop();
  const second = other.start('start', 'loopback', '{F}', '--no-browser', ...held);
  await second.saw('✓ connect');
  second.signal('SIGINT');
  const { code, stderr } = await second.ended;
  assert.equal(code, 130, stderr);
  writeFileSync(join(world.home, 'go'), '');
  const finished = await first.ended;
  assert.equal(finished.code, 0, finished.stderr);
  assert.equal((await world.laptop.run('status')).code, 0);
  assert.equal((await world.laptop.run('stop')).code, 0);
  for (const laptop of [world.laptop, other]) await nothingIsLeft(world, laptop);
});
