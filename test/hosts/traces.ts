import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt } from '../../src/system/errors.ts';
import { commandLineOf, ENDED } from './proc.ts';
import { eventually, type Laptop, type World } from './world.ts';

/**
 * Lists what is left of servers on a laptop and on its host, for the message of a failed test: processes, folders of
 * connections, locks, records, and files of Jupyter and of this program on the host.
 */
export function traces(world: World, laptop: Laptop): string[] {
  const runtime = join(world.home, '.local', 'share', 'jupyter', 'runtime');
  return [
    ...world
      .processes()
      .map((pid) => `process ${pid}: ${commandLineOf(pid)}`)
      .filter((trace) => !trace.endsWith(ENDED)),
    ...namesIn(join(laptop.stateFolder, 'c')).map((name) => `connection ${name}`),
    ...namesIn(laptop.stateFolder)
      .filter((name) => /\.lock$|^open-/.test(name))
      .map((name) => `file ${name}`),
    ...recordedNames(laptop).map((name) => `record of ${name}`),
    ...namesIn(serversOn(world))
      .filter((name) => !hasOnlyLog(join(serversOn(world), name)))
      .map((name) => `on the host: servers/${name}`),
    ...namesIn(runtime)
      .filter((name) => /server-/.test(name))
      .map((name) => `on the host: runtime/${name}`),
  ];
}

/** The PIDs of the servers that are running on the test host. */
export function serverPids(world: World): number[] {
  return world.processes().filter((pid) => commandLineOf(pid).includes('notebook-dir'));
}

/**
 * Waits until nothing but one server, its relay, the keeper and its ssh runs, and returns their PIDs: the sessions of a
 * command on the host end a moment after it.
 */
export async function quietProcesses(world: World): Promise<number[]> {
  let pids: number[] = [];
  await eventually('only a server, its relay, the keeper and its ssh run', () => {
    pids = world.processes();
    return pids.length === 4;
  });
  return pids;
}

/** Waits until no process of this world is left: a relay's and sshd's end a moment after the connection. */
export async function noProcessIsLeft(world: Pick<World, 'processes'>): Promise<void> {
  const left = () => world.processes().map((pid) => `${pid}: ${commandLineOf(pid)}`);
  await eventually('no process is left', () => left().length === 0).catch(() => assert.deepEqual(left(), []));
}

/** The host's shell releases its lock and ends a moment after its last output. */
export async function nothingIsLeft(world: World, laptop = world.laptop): Promise<void> {
  const left = () => traces(world, laptop);
  await eventually('nothing is left', () => left().length === 0).catch(() => assert.deepEqual(left(), []));
}

/** The folder on the host that holds one folder for each server. */
export function serversOn(world: World): string {
  return join(world.home, '.local', 'state', 'remote-notebook', 'servers');
}

function recordedNames(laptop: Laptop): string[] {
  const text = attempt(() => readFileSync(join(laptop.stateFolder, 'state.json'), 'utf8'));
  return text === undefined ? [] : Object.keys(JSON.parse(text).servers);
}

/** The last log of each name is kept on purpose. */
function hasOnlyLog(folder: string): boolean {
  return namesIn(folder).join() === 'log';
}

/** The names in a folder, which may be removed at any time. */
function namesIn(folder: string): string[] {
  return attempt(() => readdirSync(folder)) ?? [];
}
