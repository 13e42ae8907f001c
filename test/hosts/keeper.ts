import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type KeeperState, readKeeperState } from '../../src/tunnel/keeper.ts';
import type { Laptop } from './world.ts';

/** The folder of the laptop's only connection. */
export function connectionFolder({ stateFolder }: Laptop): string {
  const rooms = join(stateFolder, 'c');
  const names = readdirSync(rooms).filter((entry) => !entry.endsWith('.lock'));
  const [name] = names;
  if (name === undefined || names.length > 1)
    throw new Error(`not one connection: ${names.join(', ') || 'none'}`);
  return join(rooms, name);
}

/** The last state that its keeper wrote. */
export function keeperOf(laptop: Laptop): KeeperState {
  const state = readKeeperState({ folder: connectionFolder(laptop) });
  if (!state) throw new Error('the keeper has written no state');
  return state;
}
