import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { nothingIsLeft } from '../hosts/traces.ts';
import { makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** A machine at its limits. */

let world: World;
before(async () => {
  world = await makeWorld();
});
after(() => world.remove());

test('too few file descriptors are always reported as such, never as a bug', async () => {
  const causes = new Set<string>();
  // With fewer, Node itself does not begin; with more, everything works.
  for (let limit = 18; limit <= 26; limit++) {
    const command = [...PROGRAM, 'start', 'loopback', '-F', world.sshd.sshConfig, '--no-browser'];
    const { status, stderr } = spawnSync('sh', ['-c', `ulimit -n ${limit} && exec "$@"`, 'sh', ...command], {
      env: world.laptop.env,
      encoding: 'utf8',
    });
    if (status === 0 || !stderr.includes('Error: ') || stderr.includes('node:')) continue;
    assert.doesNotMatch(stderr, /bug/);
    assert.match(stderr, /EMFILE.*\nRaise the limit of this shell, and try again: ulimit -n 1024\n$/);
    causes.add(stderr.replace(/.*Error: /s, '').split(' ')[0] ?? '');
    await nothingIsLeft(world);
  }
  assert.ok(causes.has(process.execPath) && causes.has('ssh'), [...causes].join());
});
