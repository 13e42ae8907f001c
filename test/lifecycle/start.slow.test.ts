import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { isPortFree } from '../../src/system/port.ts';
import { startByHand } from '../hosts/by-hand.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { freePort } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

const world = await worldPerFile();

test('the program that uses a port is shown with its full name, and a Python program with the name of its script', async () => {
  const byHand = await startByHand(world, 'notebook', [`--port=${await freePort()}`]);
  const port = await freePort();
  const served = spawn('python3', ['-m', 'http.server', '--bind', '127.0.0.1', String(port)], {
    stdio: 'ignore',
    env: world.laptop.env,
  });
  await eventually('it listens', async () => !(await isPortFree(port)));
  const aside = ['--port', String(await freePort())];
  for (const [holder, taken] of [
    [`jupyter-notebook \\(PID ${byHand.pid}\\)`, byHand.port],
    [`http\\.server \\(PID ${served.pid}\\)`, port],
  ] as const) {
    for (const [message, words] of [
      [`port ${taken} of loopback is already in use`, ['--port', String(taken)]],
      [`local port ${taken} is already in use`, [...aside, '--local-port', String(taken)]],
    ] as const) {
      const strict = await world.laptop.run('start', 'loopback', '{F}', '--strict-port', ...words);
      assert.match(strict.stderr, new RegExp(`${message} by ${holder}`));
    }
  }
});
