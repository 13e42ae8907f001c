import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { whereIs } from './shells.ts';
import { signalQuietly } from './signal.ts';
import { makeFolder, untilRemoved } from './standing.ts';
import { eventually, makeWorld, type World } from './world.ts';

/** A real account of this machine, made for a test. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Its folder's name holds a space and a quote. Others may look into it, as they may on many systems. */
  readonly home: string;
  /** The PIDs of all its processes. */
  processes(): number[];
  /** Ends all its processes. */
  end(): Promise<void>;
  /** The same, and removes it with its home. */
  remove(): Promise<void>;
}

/** @param shell the name of its login shell */
export function makeAccount(shell: string): Account {
  const name = `rn${randomBytes(5).toString('hex')}`;
  const folder = makeFolder('rn-account-');
  chmodSync(folder, 0o755);
  const home = join(folder, "it's home");
  // A number of its own: an account that has just been removed may have left zombies behind under the next free one.
  const number = String(randomInt(10_000, 60_000));
  // A password that nobody has, `*`: sshd takes an account without any for locked.
  execFileSync('useradd', ['-m', '-d', home, '-s', whereIs(shell) ?? shell, '-p', '*', '-u', number, name]);
  chmodSync(home, 0o755);
  const id = (option: string) => Number(execFileSync('id', [option, name], { encoding: 'utf8' }));
  const uid = id('-u');
  const processes = () => processesOf(uid);
  const end = async () => {
    for (const pid of processes()) signalQuietly(pid, 'SIGKILL');
    await eventually(`the processes of ${name} are gone`, () => processes().length === 0);
  };
  return untilRemoved({
    name,
    uid,
    gid: id('-g'),
    home,
    processes,
    end,
    remove: async () => {
      await end();
      spawnSync('userdel', [name], { stdio: 'ignore' });
      rmSync(folder, { recursive: true, force: true });
    },
    removeNow: () => {
      for (const pid of processes()) signalQuietly(pid, 'SIGKILL');
      spawnSync('userdel', ['-f', name], { stdio: 'ignore' });
    },
  });
}

/**
 * Does something with an account of its own, on a host where it logs in.
 * @param environment variables that every session on the host gets
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

/** Zombies aside. */
function processesOf(uid: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    const status = statusOf(pid);
    return status.includes(`\nUid:\t${uid}\t`) && !status.includes('\nState:\tZ');
  });
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}
