import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { ownLocalPort } from '../hosts/sshd.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { eventually } from '../hosts/world.ts';

/** A local ssh process that hangs under the tunnel to a server with a relay, here because it was stopped. */

const world = await worldPerFile();

test('an ssh that hangs is replaced by itself, a request waits for that, and each verb reports it or works', async () => {
  const { url } = await started(world.laptop, ...(await ownLocalPort()));
  const hung = keeperOf(world.laptop).ssh?.pid ?? 0;
  process.kill(hung, 'SIGSTOP');
  const [response, logs, open] = await Promise.all([
    fetch(new URL('/api', url)),
    world.laptop.run('logs'),
    world.laptop.run('open', '--print'),
  ]);
  assert.equal(response.status, 200);
  for (const { code, stderr } of [logs, open]) {
    const isReported =
      stderr.includes(`(PID ${hung}) does not respond`) && stderr.includes(`kill -CONT ${hung}`);
    assert.deepEqual([code, isReported], code === 0 ? [0, false] : [1, true], stderr);
  }
  await eventually('the former ssh has ended', () => !world.processes().includes(hung));
  const { state, jupyter } = await statusOf(world.laptop);
  assert.deepEqual([state, jupyter.state], ['connected', 'running']);
  assert.notEqual(keeperOf(world.laptop).ssh?.pid, hung);
  await done(world.laptop, 'logs');
  await done(world.laptop, 'stop');
  await noProcessIsLeft(world);
});
