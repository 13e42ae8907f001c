import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Account, makeAccount } from '../accounts.ts';
import { entering, makeMachines, runInside } from '../machines.ts';
import { missing, NO_ACCOUNTS } from '../needs.ts';
import type { Machine } from '../sshd.ts';
import { makeFolder } from '../standing.ts';
import { makeWorld, type World } from '../world.ts';
import { ADDRESS, hostFiles } from './configuration.ts';

const MAKE = fileURLToPath(new URL('host.sh', import.meta.url));
/** Held while such a host exists: its names and addresses are always the same. */
const LOCK = '/run/lock/remote-notebook-test-gridengine';

/** For a test's `skip`: why this machine cannot have a host with Grid Engine. */
export const NO_GRIDENGINE =
  NO_ACCOUNTS ||
  missing('sge_qmaster') ||
  missing('sge_execd') ||
  missing('qconf') ||
  missing('flock') ||
  missing('ip') ||
  (!existsSync('/var/spool/gridengine/spooldb/sge') && 'Grid Engine has no database here (Debian makes it)');

/** A host with Grid Engine, which is also the node of all jobs. */
export interface GridEngine {
  readonly world: World;
  readonly user: Account;
  /** Another user of the host. */
  readonly stranger: Account;
  /** Runs a command there as root, or as this account in its home folder, and returns what it prints. */
  on(command: string, as?: Account): string;
  remove(): Promise<void>;
}

/** Makes such a host, as soon as no other test has one. */
export async function makeGridEngine(): Promise<GridEngine> {
  const folder = makeFolder('rn-gridengine-');
  chmodSync(folder, 0o755);
  const [user, stranger] = [makeAccount('bash'), makeAccount('bash')];
  const files = hostFiles([folder, dirname(MAKE), dirname(user.home), dirname(stranger.home)]);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const made = await makeMachines(LOCK, MAKE, folder);
  const enter = entering(join(folder, 'pid'));
  const on = (command: string, as?: Account) => runInside(enter, command, as);
  const machine: Machine = { address: ADDRESS, enter: [...enter, 'sh', join(folder, 'enter.sh')] };
  const world = await makeWorld({ account: user, machine, within: folder });
  return {
    world,
    user,
    stranger,
    on,
    remove: async () => {
      await world.remove();
      await made.remove();
      for (const account of [user, stranger]) await account.remove();
    },
  };
}
