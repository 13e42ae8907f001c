import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { worldFor } from '../hosts/lasting.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { done, started } from '../hosts/servers.ts';
import { signalTo } from '../hosts/signal.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { eventually, makeWorld } from '../hosts/world.ts';

/** The user's ssh_config decides how to connect, but does not change what we do on the connection. */

const HABITS: readonly (readonly [name: string, lines: readonly string[]])[] = [
  ['a ControlMaster of their own', ['ControlMaster auto', 'ControlPath /tmp/rn-none-%C', 'ControlPersist 1']],
  ['a remote command and a terminal', ['RemoteCommand echo no', 'RequestTTY force']],
  ['a quiet log', ['LogLevel QUIET']],
  ['a local command', ['PermitLocalCommand yes', 'LocalCommand echo no >&2']],
  ['no session', ['SessionType none']],
  ['a subsystem as session', ['SessionType subsystem']],
  ['ssh in the background', ['ForkAfterAuthentication yes', 'StdinNull yes']],
  ['an option that this ssh does not know', ['IgnoreUnknown UseKeychain', 'UseKeychain yes']],
];

for (const [name, sshConfig] of HABITS) {
  test(`an ssh_config with ${name} breaks nothing`, async (context) => {
    const world = await worldFor(context, { sshConfig });
    const { laptop } = world;
    await started(laptop);
    const status = await laptop.run('status', '--json');
    assert.equal(JSON.parse(status.stdout).servers[0].state, 'connected');
    await done(laptop, 'stop');
    await noProcessIsLeft(world);
  });
}

test("the forwards of an ssh_config stay available for the user's own sessions", async () => {
  const [localPort, remotePort] = [await freePort(), await freePort()];
  const sshConfig = [
    `LocalForward 127.0.0.1:${localPort} localhost:1`,
    `RemoteForward 127.0.0.1:${remotePort} localhost:1`,
    'DynamicForward 127.0.0.1:1',
    'ExitOnForwardFailure yes',
  ];
  const world = await makeWorld({ sshConfig });
  try {
    await started(world.laptop, '--local-port', String(localPort));
    await done(world.laptop, 'stop');
  } finally {
    await world.remove();
  }
});

test('a host that allows one session at a time is enough', async (context) => {
  const world = await worldFor(context, { sshdConfig: ['MaxSessions 1'] });
  const { laptop } = world;
  await started(laptop);
  await done(laptop, 'logs');
  await done(laptop, 'stop');
  assert.equal(world.sshd.log().match(/Accepted publickey/g)?.length, 1);
});

test('a host that allows one session at a time is enough, even with slow start-up files', async (context) => {
  const world = await worldFor(context, { sshdConfig: ['MaxSessions 1'] });
  const { laptop } = world;
  await started(laptop, '--no-browser', ...(await ports()));
  writeFileSync(join(world.home, '.bashrc'), 'sleep 3\n');
  const { ssh } = keeperOf(laptop);
  signalTo(ssh, 'SIGKILL');
  // The keeper opens a session on the new connection.
  await eventually('a session waits', () =>
    world.processes().some((pid) => commandLineOf(pid) === 'sleep 3'),
  );
  await done(laptop, 'logs');
  await done(laptop, 'stop');
});
