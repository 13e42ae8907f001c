import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { freePort } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

const world = await worldPerFile();

/** A server that has written its runtime file and never listens: a start asks for it again and again. */
function silentServer(port: number): string {
  const path = join(world.home, 'silent');
  const file = `{"pid": %s, "port": ${port}, "token": "%s"}`;
  const lines = [
    '#!/bin/sh',
    'mkdir -p "$HOME/.local/share/jupyter/runtime"',
    `printf '${file}' $$ "$JUPYTER_TOKEN" >"$HOME/.local/share/jupyter/runtime/jpserver-$$.json"`,
    'exec sleep 1000',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o755 });
  return path;
}

function keeper() {
  return keeperOf(world.laptop);
}

test('a program that takes the port of a tunnel that was lost during a start receives no token', async () => {
  const [port, localPort] = [await freePort(), await freePort()];
  const words = ['--command', silentServer(port), '--port', String(port), '--local-port', String(localPort)];
  const starting = world.laptop.start('start', 'loopback', '{F}', '--no-browser', ...words);
  let told = '';
  const stranger = createServer((socket) => socket.on('data', (chunk) => (told += chunk)).end());
  try {
    await starting.saw('✓ forward');
    const { keeper: shell, ssh } = keeper();
    assert.ok(shell && ssh);
    process.kill(shell.pid, 'SIGSTOP');
    process.kill(ssh.pid, 'SIGKILL');
    await eventually('the stranger has the port', () => {
      if (!stranger.listening) stranger.once('error', () => {}).listen(localPort, '127.0.0.1');
      return stranger.listening;
    });
    process.kill(shell.pid, 'SIGCONT');
    await eventually('the keeper has found the port taken', () => keeper().down.length === 1);
    starting.signal('SIGINT');
    await starting.ended;
    assert.equal(told, '');
  } finally {
    stranger.close();
  }
});
