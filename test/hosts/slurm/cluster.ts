import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Account, makeAccount } from '../accounts.ts';
import { entering, makeMachines, runInside } from '../machines.ts';
import { missing, NO_ACCOUNTS, outside } from '../needs.ts';
import type { Machine } from '../sshd.ts';
import { makeFolder } from '../standing.ts';
import { makeWorld, type World } from '../world.ts';
import { clusterFiles, NODES } from './configuration.ts';

const MAKE = fileURLToPath(new URL('cluster.sh', import.meta.url));
/** Held while a cluster exists: its names and addresses are always the same. */
const LOCK = '/run/lock/remote-notebook-test-cluster';

const CGROUPS_V1 = existsSync('/sys/fs/cgroup/memory');
const PAM_ADOPT = ['/lib/security/pam_slurm_adopt.so', '/usr/lib/security/pam_slurm_adopt.so'];

/** For a test's `skip`: why this machine cannot have a Slurm cluster. */
export const NO_CLUSTER =
  NO_ACCOUNTS ||
  missing('slurmctld') ||
  missing('slurmd') ||
  missing('munged') ||
  missing('flock') ||
  missing('ip') ||
  namespacesFail();

/** For tests that need the cgroups of jobs, and an sshd on the nodes that lets in only who has a job there. */
export const NO_ADOPT =
  NO_CLUSTER ||
  (!CGROUPS_V1 && outside('this kernel has no cgroups of version 1')) ||
  (!PAM_ADOPT.some((path) => existsSync(path)) && 'pam_slurm_adopt is not installed');

function namespacesFail(): string | false {
  const { status } = spawnSync('unshare', [
    '--net',
    '--mount',
    '--uts',
    '--ipc',
    '--pid',
    '--cgroup',
    '--fork',
    'true',
  ]);
  return status !== 0 && outside('this machine lets nobody make namespaces');
}

export type Node = (typeof NODES)[number]['name'];

/** A Slurm cluster: a login node that the laptop reaches, and compute nodes that it does not. Homes are shared. */
export interface Cluster {
  /** The world of its user, whose host is the login node. */
  readonly world: World;
  readonly user: Account;
  /** Another user of the cluster. */
  readonly stranger: Account;
  /** Runs a command on a node as root, or as this account by a shell that knows its home folder, and returns what it prints. */
  on(node: Node, command: string, as?: Account): string;
  /** What a daemon or a node has printed, for a test that fails. */
  log(name: string): string;
  remove(): Promise<void>;
}

/** Makes a cluster, as soon as no other test has one. @param cpus of each node, for Slurm */
export async function makeCluster(cpus = 2): Promise<Cluster> {
  const folder = makeFolder('rn-cluster-');
  chmodSync(folder, 0o755);
  const [user, stranger] = [makeAccount('bash'), makeAccount('bash')];
  const hasAdopt = NO_ADOPT === false;
  for (const [path, text] of Object.entries(
    clusterFiles([user.name, stranger.name], { hasAdopt, hasCgroups: CGROUPS_V1, cpus }),
  )) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  writeFileSync(join(folder, 'munge.key'), randomBytes(128), { mode: 0o600 });
  for (const { name } of NODES.slice(1)) makeHostKey(join(folder, 'ssh', name));
  const shared = [folder, dirname(user.home), dirname(stranger.home)];
  writeFileSync(join(folder, 'shared'), `${shared.join('\n')}\n`);

  const nodes = await makeMachines(LOCK, MAKE, folder);
  const enter = (node: Node) => entering(join(folder, `${node}.pid`));
  const on = (node: Node, command: string, as?: Account) => runInside(enter(node), command, as);
  const [front] = NODES;
  const machine: Machine = {
    address: front.link,
    enter: [...enter(front.name), 'sh', join(folder, 'enter.sh')],
  };
  const world = await makeWorld({ account: user, machine, within: folder });
  authorize(user, `${world.sshd.key}.pub`);
  return {
    world,
    user,
    stranger,
    on,
    log: (name) => readFileSync(join(folder, 'log', name), 'utf8'),
    remove: async () => {
      await world.remove();
      await nodes.remove();
      for (const account of [user, stranger]) await account.remove();
    },
  };
}

/** Makes the key of a node's sshd, where that and the jobs on the node look for it. */
function makeHostKey(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'ssh_host_ed25519_key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'node', '-f', file]);
}

/** Lets a key log in to the compute nodes, which have the home folder of the login node. */
function authorize({ home, uid, gid }: Account, publicKey: string): void {
  const folder = join(home, '.ssh');
  const file = join(folder, 'authorized_keys');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  appendFileSync(file, readFileSync(publicKey), { mode: 0o600 });
  for (const path of [folder, file]) chownSync(path, uid, gid);
}
