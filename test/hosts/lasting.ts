import { after, afterEach, beforeEach, type TestContext } from 'node:test';
import { makeWorld, type World, type WorldOptions } from './world.ts';

/** One world for all tests of the calling file. */
export async function worldPerFile(options: WorldOptions = {}): Promise<World> {
  const world = await makeWorld(options);
  after(() => world.remove());
  return world;
}

/** A world for one test. */
export async function worldFor(context: TestContext, options: WorldOptions = {}): Promise<World> {
  const world = await makeWorld(options);
  context.after(() => world.remove());
  return world;
}

/** The world of the current test: each test of the calling file has its own. */
export function worldPerTest(
  options: WorldOptions | (() => WorldOptions | Promise<WorldOptions>) = {},
): World {
  let world: World;
  beforeEach(async () => {
    world = await makeWorld(typeof options === 'function' ? await options() : options);
  });
  afterEach(() => world?.remove());
  return {
    get sshd() {
      return world.sshd;
    },
    get home() {
      return world.home;
    },
    get laptop() {
      return world.laptop;
    },
    anotherLaptop: () => world.anotherLaptop(),
    processes: () => world.processes(),
    remove: () => world.remove(),
  };
}
