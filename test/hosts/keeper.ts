import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KeeperState, parseKeeperState } from '../../src/tunnel/keeper.ts';
import type { Laptop } from './world.ts';

/** The folder of the only connection that this laptop has. */
export function connectionFolder({ stateFolder }: Laptop): string {
  const rooms = join(stateFolder, 'c');
  const names = readdirSync(rooms).filter((entry) => !entry.endsWith('.lock'));
  const [name] = names;
  if (name === undefined || names.length > 1)
    throw new Error(`not one connection: ${names.join(', ') || 'none'}`);
  return join(rooms, name);
}

/** What its keeper wrote last. */
export function keeperOf(laptop: Laptop): KeeperState {
  return parseKeeperState(readFileSync(join(connectionFolder(laptop), 'state'), 'utf8'));
}
