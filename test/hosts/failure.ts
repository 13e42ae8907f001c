import assert from 'node:assert/strict';
import { nothingIsLeft } from './traces.ts';
import type { Finished, World } from './world.ts';

/** Starts a server that cannot be started: what the user reads then, behind the phases that it came through. */
export async function failure(world: World, ...args: readonly string[]): Promise<string> {
  return failed(world, await world.laptop.run('start', ...args, '{F}', '--no-browser'));
}

/** The same for a start that has ended. It left nothing; the world's own paths and port are given by their names. */
export async function failed(world: World, { code, stdout, stderr }: Finished): Promise<string> {
  assert.equal(code, 1, stderr);
  assert.equal(stdout, '');
  await nothingIsLeft(world);
  return stderr
    .slice(stderr.indexOf('Error: '))
    .replaceAll(world.sshd.folder, 'SSHD')
    .replaceAll(world.home, 'HOME')
    .replaceAll(`port ${world.sshd.port}`, 'port SSHD');
}
