import assert from 'node:assert/strict';
import { test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { done, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { programOnHost } from '../hosts/stand-ins.ts';

/** A host whose clock differs from ours: its `date` is a stand-in. */

const world = await worldPerFile();

for (const [what, hours] of [
  ['behind', -3],
  ['ahead', 3],
] as const) {
  test(`the running time of a server is correct even if the clock of its host is ${what}`, async () => {
    const date = '$(/bin/date +%s)';
    programOnHost(
      world,
      'date',
      `case $1 in +%s) echo $((${date} + ${hours * 3600})) ;; *) exec /bin/date "$@" ;; esac`,
    );
    const [laptop, other] = [world.anotherLaptop(), world.anotherLaptop()];
    const starts = [
      await started(laptop, '--no-browser', ...(await ports())),
      await started(other, '--no-browser'),
      JSON.parse(await done(laptop, 'status', '--json')).servers[0],
      { jupyter: JSON.parse(await done(laptop, 'status', 'loopback', '--all', '--json')).servers[0] },
    ].map(({ jupyter }) => Date.parse(jupyter.startedAt));
    for (const startedAt of starts) assert.ok(Math.abs(Date.now() - startedAt) < 600_000, String(starts));
    await done(other, 'stop');
  });
}
