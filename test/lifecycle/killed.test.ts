import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PHASES, type Phase } from '../hosts/phases.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { done } from '../hosts/servers.ts';
import { nothingIsLeft, traces } from '../hosts/traces.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/** A start that is killed cannot clean up. The next command does that. */

/** Kills a start in a phase, and continues what was paused. */
async function killedIn(phase: Phase, world: World, isFarEnough: () => boolean = () => true): Promise<void> {
  const args = phase.prepare(world);
  const start = world.laptop.start('start', 'loopback', '{F}', '--no-browser', ...args);
  await phase.reach(world, start);
  await eventually('it has come far enough', isFarEnough);
  start.signal('SIGKILL');
  await start.ended;
  phase.letGo(world);
}

for (const phase of PHASES) {
  test(`after a start that was killed in the phase "${phase.name}", the next start works`, async () => {
    const world = await makeWorld();
    try {
      await killedIn(phase, world);
      const { laptop } = world;
      const started = laptop.start('start', 'loopback', '{F}', '--no-browser', '--json');
      const goOn = setInterval(() => phase.letGo(world), 100);
      const { code, stdout, stderr } = await started.ended;
      clearInterval(goOn);
      assert.equal(code, 0, stdout + stderr);
      assert.equal((await laptop.run('status')).code, 0);
      const servers = () =>
        world.processes().filter((pid) => /jupyter-(lab|notebook)/.test(commandLineOf(pid)));
      // The first one may still be about to end.
      await eventually('one server runs', () => servers().length === 1);
      await done(laptop, 'stop');
      await nothingIsLeft(world);
    } finally {
      phase.letGo(world);
      await world.remove();
    }
  });
}

for (const phase of PHASES.filter(({ name }) => ['jupyter', 'forward', 'prove'].includes(name))) {
  test(`after a start that was killed in the phase "${phase.name}", stop removes everything that it left`, async () => {
    const world = await makeWorld();
    try {
      // Before Jupyter boots there is nothing on the host, and its name is not known here.
      const isKnown = () => traces(world, world.laptop).includes('record of loopback');
      await killedIn(phase, world, isKnown);
      await done(world.laptop, 'stop');
      await nothingIsLeft(world);
    } finally {
      phase.letGo(world);
      await world.remove();
    }
  });
}
