import assert from 'node:assert/strict';
import { test } from 'node:test';
import { worldFor } from '../hosts/lasting.ts';
import { started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';

test('a setting that a running server was started without is reported, with the same message on another laptop', async (context) => {
  const world = await worldFor(context);
  await started(world.laptop, ...(await ports()));
  const again = await world.laptop.run('start', 'loopback', '{F}', '--idle-timeout', '8h', '--socket');
  assert.equal(again.code, 0, again.stderr);
  assert.match(
    again.stderr,
    /already running with a different socket, idle-timeout; stop it first to apply yours\n/,
  );
  const elsewhere = await world
    .anotherLaptop()
    .run('start', 'loopback', '{F}', '--no-browser', '--command', 'jupyter notebook --debug');
  assert.match(elsewhere.stderr, /already running with a different command; stop it first to apply yours\n/);
  const same = await world.laptop.run('start', 'loopback', '{F}');
  assert.doesNotMatch(same.stderr, /already running with/);
});
