import assert from 'node:assert/strict';
import { nothingIsLeft } from './traces.ts';
import type { Finished, World } from './world.ts';

/** Starts a server that cannot start, and returns the error that the user reads after the phases. */
export async function failure(world: World, ...args: readonly string[]): Promise<string> {
  return failed(world, await world.laptop.run('start', ...args, '{F}', '--no-browser'));
}

/** The same for a start that has ended. It must leave nothing behind. Paths and ports of the world are replaced by names. */
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
