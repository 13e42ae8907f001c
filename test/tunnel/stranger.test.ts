import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { signalTo } from '../hosts/signal.ts';
import { freePort } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

const world = await worldPerFile();

/** A server that listens on its port, but never responds: a start keeps sending requests. */
function silentServer(port: number): string {
  const path = join(world.home, 'silent');
  const file = `{"pid": %s, "port": ${port}, "token": "%s"}`;
  const listen = `import socket, time; s = socket.create_server(("127.0.0.1", ${port})); time.sleep(1000)`;
  const lines = [
    '#!/bin/sh',
    'mkdir -p "$HOME/.local/share/jupyter/runtime"',
    `printf '${file}' $$ "$JUPYTER_TOKEN" >"$HOME/.local/share/jupyter/runtime/jpserver-$$.json"`,
    `exec python3 -c '${listen}'`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o755 });
  return path;
}

test('a program that takes the local port when the keeper was killed during a start receives no token', async () => {
  const [port, localPort] = [await freePort(), await freePort()];
  const words = ['--command', silentServer(port), '--port', String(port), '--local-port', String(localPort)];
  const starting = world.laptop.start(
    'start',
    'loopback',
    '{F}',
    '--no-browser',
    '--timeout',
    '60',
    ...words,
  );
  let told = '';
  const stranger = createServer((socket) => socket.on('data', (chunk) => (told += chunk)).end());
  try {
    await starting.saw('✓ forward');
    signalTo(keeperOf(world.laptop).keeper, 'SIGKILL');
    await eventually('the stranger has the port', () => {
      if (!stranger.listening) stranger.once('error', () => {}).listen(localPort, '127.0.0.1');
      return stranger.listening;
    });
    const { code, stderr } = await starting.ended;
    assert.equal(code, 1);
    assert.match(stderr, /the keeper of the connection to loopback was killed\nRun the command again\.\n$/);
    assert.equal(told, '');
  } finally {
    stranger.close();
  }
});
