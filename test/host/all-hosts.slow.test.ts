import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { worldFor } from '../hosts/lasting.ts';
import { started } from '../hosts/servers.ts';

test('in status --all, a host that accepts a connection and then sends nothing has its own time limit', async (context) => {
  const world = await worldFor(context);
  const { jupyter: server } = await started(world.laptop);
  const mute = createServer((socket) => void socket.on('error', () => {}));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  context.after(() => mute.close());
  const { port } = mute.address() as AddressInfo;
  const sshConfig = join(world.home, 'mute.conf');
  writeFileSync(sshConfig, `Host mute\n  HostName 127.0.0.1\n  Port ${port}\n  ConnectTimeout 300\n`);
  mkdirSync(dirname(world.laptop.configurationFile), { recursive: true, mode: 0o700 });
  writeFileSync(
    world.laptop.configurationFile,
    `servers:\n  mute: { destination: mute, ssh-config: ${sshConfig} }\n`,
    { mode: 0o600 },
  );
  const { code, stdout } = await world.laptop.run('status', '--all');
  assert.equal(code, 1);
  assert.match(stdout, new RegExp(`^loopback +${server.pid} `, 'm'));
  assert.match(stdout, /^mute: it did not answer within 30 s$/m);
});
