import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLineOf } from './proc.ts';
import { eventually, type Laptop, type World } from './world.ts';

/**
 * What is left of servers on a laptop and on its host, in words for a test that fails: processes, folders of
 * connections, locks, records, and what Jupyter and this program write on the host.
 */
export function traces(world: World, laptop: Laptop): string[] {
  const runtime = join(world.home, '.local', 'share', 'jupyter', 'runtime');
  return [
    ...world.processes().map((pid) => `process ${pid}: ${commandLineOf(pid)}`),
    ...namesIn(join(laptop.stateFolder, 'c')).map((name) => `connection ${name}`),
    ...namesIn(laptop.stateFolder)
      .filter((name) => /\.lock$|^open-/.test(name))
      .map((name) => `file ${name}`),
    ...recordedNames(laptop).map((name) => `record of ${name}`),
    ...namesIn(serversOn(world)).map((name) => `on the host: servers/${name}`),
    ...namesIn(runtime)
      .filter((name) => /server-/.test(name))
      .map((name) => `on the host: runtime/${name}`),
  ];
}

/** The PIDs of the servers that run on the world's host. */
export function serverPids(world: World): number[] {
  return world.processes().filter((pid) => commandLineOf(pid).includes('notebook-dir'));
}

/** The host's shell hands over its lock and ends a moment after it has answered. */
export async function nothingIsLeft(world: World): Promise<void> {
  const left = () => traces(world, world.laptop);
  await eventually('nothing is left', () => left().length === 0, 20_000).catch(() =>
    assert.deepEqual(left(), []),
  );
}

/** The folder on the host that holds one folder for each server. */
export function serversOn(world: World): string {
  return join(world.home, '.local', 'state', 'remote-notebook', 'servers');
}

function recordedNames(laptop: Laptop): string[] {
  const file = join(laptop.stateFolder, 'state.json');
  return existsSync(file) ? Object.keys(JSON.parse(readFileSync(file, 'utf8')).servers) : [];
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
