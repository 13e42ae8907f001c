import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { hasFlag, heldCommand } from '../hosts/phases.ts';
import { statusOf } from '../hosts/servers.ts';
import { CTRL_C, CTRL_D, openTerminal, type TerminalWindow } from '../hosts/terminal.ts';
import { nothingIsLeft, traces } from '../hosts/traces.ts';
import { eventually, makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** What a user does on a real terminal: type, press Ctrl-C, close the window. */

const PASSPHRASE = 'open sesame';

let world: World;
let windows: TerminalWindow[];
beforeEach(async () => {
  world = await makeWorld();
  windows = [];
});
afterEach(async () => {
  for (const window of windows) await window.close();
  await world.remove();
});

function open(...command: readonly string[]): TerminalWindow {
  return openWith(world.laptop.env, command);
}

/** Like `open`, on a terminal that shows colours and overwritten lines. */
function openLive(...command: readonly string[]): TerminalWindow {
  return openWith({ ...world.laptop.env, NO_COLOR: '', TERM: 'xterm' }, command);
}

function openWith(env: NodeJS.ProcessEnv, command: readonly string[]): TerminalWindow {
  const window = openTerminal(command, env);
  windows.push(window);
  return window;
}

function start(...more: readonly string[]): string[] {
  return [...PROGRAM, 'start', 'loopback', '-F', world.sshd.sshConfig, '--no-browser', ...more];
}

/** A shell that runs a command and keeps running, as the user's does; `more` is what they type then. */
function inShell(command: readonly string[], more: string): string[] {
  return ['sh', '-c', `trap : INT; "$@"; echo "it ended with $?"; ${more}`, 'sh', ...command];
}

function lockKey(): void {
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', PASSPHRASE, '-f', world.sshd.key]);
}

test('Ctrl-C on a terminal, which reaches all foreground processes, leaves nothing behind', async () => {
  const window = open(...start('--command', heldCommand(world)));
  await hasFlag(world);
  window.type(CTRL_C);
  assert.equal(await window.ended, 130);
  assert.match(window.shown(), /Interrupted; nothing is left behind\./);
  await nothingIsLeft(world);
});

test('after a second Ctrl-C, start no longer waits for the host, which cleans up on its own', async () => {
  const deaf = join(world.home, 'deaf');
  const lines = ['#!/bin/sh', "trap '' TERM", `: >'${join(world.home, 'reached')}'`, 'sleep 600', ''];
  writeFileSync(deaf, lines.join('\n'), { mode: 0o755 });
  const window = open(...start('--command', deaf));
  await hasFlag(world);
  window.type(CTRL_C);
  await eventually('the clean-up is under way', () => window.shown().includes('^C'));
  window.type(CTRL_C);
  assert.equal(await window.ended, 130, window.shown());
  await nothingIsLeft(world);
});

test('after Ctrl-C at the question for a passphrase, nothing is left, and the terminal shows typed text again', async () => {
  lockKey();
  const window = open(...inShell(start(), 'stty -a'));
  await window.saw('Enter passphrase for key');
  window.type(CTRL_C);
  await window.saw('it ended with 130');
  await window.ended;
  assert.match(window.shown(), /Interrupted; nothing is left behind\./);
  assert.match(window.shown(), /[^-]echo /);
  await nothingIsLeft(world);
});

test('a passphrase is asked for once, and not again by status, logs and stop', async () => {
  lockKey();
  const starting = open(...start());
  await starting.saw('Enter passphrase for key');
  starting.type(`${PASSPHRASE}\n`);
  assert.equal(await starting.ended, 0, starting.shown());
  assert.equal(starting.shown().match(/Enter passphrase/g)?.length, 1, starting.shown());
  for (const verb of ['status', 'logs', 'stop']) {
    const window = open(...PROGRAM, verb);
    assert.equal(await window.ended, 0, window.shown());
    assert.doesNotMatch(window.shown(), /passphrase/);
  }
  await nothingIsLeft(world);
});

test('a command that waits for a silent host shows what it is waiting for', async () => {
  // The system still accepts connections for it, but nothing responds.
  process.kill(world.sshd.pid(), 'SIGSTOP');
  try {
    const { configurationFile } = world.laptop;
    mkdirSync(dirname(configurationFile), { recursive: true });
    writeFileSync(configurationFile, 'servers: { far: { destination: loopback } }\n');
    for (const verb of ['start', 'forward']) {
      const window = openLive(...PROGRAM, verb, 'far', '-F', world.sshd.sshConfig);
      await window.saw('… connect');
      window.type(CTRL_C);
      assert.equal(await window.ended, 130, window.shown());
      assert.match(window.shown(), /… connect.*\r\x1b\[JInterrupted; nothing is left behind\./s);
    }
  } finally {
    process.kill(world.sshd.pid(), 'SIGCONT');
  }
});

test('a question of ssh appears on its own line', async () => {
  lockKey();
  const window = openLive(...start());
  await window.saw('Enter passphrase for key');
  assert.match(window.shown(), /^\r\n {2}… connect\x1b\[A\r+Enter passphrase for key/);
  window.type(`${PASSPHRASE}\n`);
  assert.equal(await window.ended, 0, window.shown());
  assert.match(window.shown(), /\r\n\r\x1b\[J {2}\S+✓\S+ connect /);
  assert.equal((await world.laptop.run('stop')).code, 0);
});

test('a wrong passphrase is asked for again, as ssh does', async () => {
  lockKey();
  const window = open(...start());
  await window.saw('Enter passphrase for key');
  window.type('wrong\n');
  await eventually(
    'it is asked for again',
    () => window.shown().match(/Enter passphrase for key/g)?.length === 2,
  );
  window.type(`${PASSPHRASE}\n`);
  assert.equal(await window.ended, 0, window.shown());
  assert.equal((await world.laptop.run('stop')).code, 0);
});

test('an unknown host key is shown with its fingerprint, and is known from then on', async () => {
  writeFileSync(join(world.sshd.folder, 'known_hosts'), '');
  const window = open(...start());
  await window.saw('key fingerprint is SHA256:');
  await window.saw('(yes/no');
  window.type('yes\n');
  assert.equal(await window.ended, 0, window.shown());
  assert.equal((await world.laptop.run('stop')).code, 0);
});

for (const [key, name] of [
  [CTRL_C, 'Ctrl-C'],
  [CTRL_D, 'Ctrl-D'],
] as const) {
  test(`${name} at a question of remote-notebook changes nothing, and does not mean yes`, async () => {
    const starting = open(...start());
    assert.equal(await starting.ended, 0, starting.shown());
    const stopping = open(...inShell([...PROGRAM, 'stop', '--all'], 'stty -a'));
    await stopping.saw('Stop them? [y/N]');
    stopping.type(key);
    await stopping.saw('it ended with 130');
    await stopping.ended;
    assert.match(stopping.shown(), /[^-]icanon/);
    assert.equal((await world.laptop.run('status')).code, 0);
    assert.equal((await world.laptop.run('stop')).code, 0);
  });
}

test('closing the terminal after a start keeps the server and the tunnel running', async () => {
  const window = open(...inShell(start(), 'sleep 600'));
  await window.saw('it ended with 0');
  const before = await statusOf(world.laptop);
  await window.close();
  await eventually(
    'all of the terminal is gone',
    () => !traces(world, world.laptop).some((trace) => /sleep 600/.test(trace)),
  );
  const status = await world.laptop.run('status', '--json');
  assert.equal(status.code, 0, status.stdout);
  const [after] = JSON.parse(status.stdout).servers;
  assert.deepEqual([after.jupyter.pid, after.tunnel.pid], [before.jupyter.pid, before.tunnel.pid]);
  assert.equal((await world.laptop.run('stop')).code, 0);
  await nothingIsLeft(world);
});

test('closing the terminal during a start leaves nothing behind', async () => {
  const window = open(...start('--command', heldCommand(world)));
  await hasFlag(world);
  await window.close();
  await nothingIsLeft(world);
});
