import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { factOf } from './proc.ts';
import { whereIs } from './shells.ts';
import { signalQuietly } from './signal.ts';
import { makeFolder, untilRemoved } from './standing.ts';
import { eventually, makeWorld, type World } from './world.ts';

/** A real account of this machine, created for a test. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Its home folder. Other users may read it, as on many systems. */
  readonly home: string;
  /** The PIDs of all its processes. */
  processes(): number[];
  /** Ends all its processes. */
  end(): Promise<void>;
  /** Ends all its processes, and removes the account and its home folder. */
  remove(): Promise<void>;
}

/**
 * @param shell the name of its login shell
 * @param homeName the name of its home folder, by default with a space and a quote. With a !, servers have no relay
 */
export function makeAccount(shell: string, homeName = "it's home"): Account {
  const name = `rn${randomBytes(5).toString('hex')}`;
  const folder = makeFolder('rn-account-');
  chmodSync(folder, 0o755);
  const home = join(folder, homeName);
  addUser(name, ['-m', '-d', home, '-s', whereIs(shell) ?? shell]);
  chmodSync(home, 0o755);
  const id = (option: string) => Number(execFileSync('id', [option, name], { encoding: 'utf8' }));
  const uid = id('-u');
  const processes = () => processesOf(uid);
  const end = () =>
    eventually(`the processes of ${name} are gone`, () => {
      // A process that was just being started is there at the next look.
      for (const pid of processes()) signalQuietly(pid, 'SIGKILL');
      return processes().length === 0;
    });
  return untilRemoved({
    name,
    uid,
    gid: id('-g'),
    home,
    processes,
    end,
    remove: async () => {
      await end();
      // Without -f, it would refuse while there is still a zombie.
      spawnSync('userdel', ['-f', name], { stdio: 'ignore' });
      rmSync(folder, { recursive: true, force: true });
    },
    removeNow: () => {
      for (const pid of processes()) signalQuietly(pid, 'SIGKILL');
      spawnSync('userdel', ['-f', name], { stdio: 'ignore' });
    },
  });
}

/** With a random UID, because zombies of a removed account may still have the next free one. */
function addUser(name: string, options: readonly string[]): void {
  const number = String(randomInt(10_000, 60_000));
  // The password `*` matches nothing. Without a password, sshd would treat the account as locked.
  const words = [...options, '-p', '*', '-u', number, name];
  const { status, stderr } = spawnSync('useradd', words, { encoding: 'utf8' });
  // useradd(8): another account has this UID.
  if (status === 4) addUser(name, options);
  else if (status !== 0) throw new Error(`useradd: ${stderr}`);
}

/**
 * Does `work` with a new account and a host to which it can log in.
 * @param environment variables of every session on the host
 */
export async function withAccount(
  shell: string,
  use: (account: Account, world: World) => Promise<void>,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const account = makeAccount(shell);
  try {
    const world = await makeWorld({ account, environment });
    try {
      await use(account, world);
    } finally {
      await world.remove();
    }
  } finally {
    await account.remove();
  }
}

/** Without zombies. */
function processesOf(uid: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    const status = factOf(pid, 'status');
    return status.includes(`\nUid:\t${uid}\t`) && !status.includes('\nState:\tZ');
  });
}
