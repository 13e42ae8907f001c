import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { makeAccount } from './accounts.ts';
import { keeperOf } from './keeper.ts';
import { makeNetwork, type Network } from './network.ts';
import { signalQuietly } from './signal.ts';
import { silentLogin } from './silent-login.ts';
import { openTerminal } from './terminal.ts';
import { eventually, PROGRAM, type World, type WorldOptions } from './world.ts';

/** The link between a laptop and a host, and one way in which it is lost and comes back. */
export interface Link {
  /** The host behind it. */
  readonly options: WorldOptions;
  /** Loses the link. Returns when it could work again. */
  lose(world: World): Promise<void>;
  remove(): void | Promise<void>;
}

/** @param host the host that the link leads to */
export type Loss = (host: WorldOptions) => Link;

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** The link stays silent for ever, while the laptop gets another address. */
export const silentForEver: Loss = (host) =>
  overNetwork(host, async (network, { laptop }) => {
    network.cut();
    await eventually('the keeper notices', () => keeperOf(laptop).phase === 'reconnecting');
    // The connection to the former address is never reset.
    network.roam();
    network.restore();
  });

export function silentFor(seconds: number): Loss {
  return (host) =>
    overNetwork(host, async (network) => {
      network.cut();
      await sleep(seconds);
      network.restore();
    });
}

/** The laptop sleeps, and has another address when it wakes up. */
export function asleepFor(seconds: number): Loss {
  return (host) =>
    overNetwork(host, async (network, { laptop }) => {
      const { keeper, ssh } = keeperOf(laptop);
      const sleepers = [keeper.pid, ssh?.pid ?? 0];
      for (const pid of sleepers) signalQuietly(pid, 'SIGSTOP');
      network.roam();
      await sleep(seconds);
      // The keeper, which wakes up first, may replace the ssh at once.
      for (const pid of sleepers) signalQuietly(pid, 'SIGCONT');
    });
}

/** The ssh process is killed. */
export const sshKilled: Loss = (options) => ({ options, lose: killSsh, remove: () => {} });

/** The ssh process is killed, and the next login takes long. */
export function slowLogin(seconds: number): Loss {
  return (host) => {
    const { sshdConfig, silence } = silentLogin();
    const lose = async (world: World) => {
      silence(seconds);
      await killSsh(world);
    };
    return { options: { ...host, sshdConfig }, lose, remove: () => {} };
  };
}

/** The ssh process is killed, and the host accepts only a password from then on. The user runs `start` again, and types it. */
export const passwordAgain: Loss = (host) => {
  const account = makeAccount('bash', 'home');
  execFileSync('chpasswd', { input: `${account.name}:${PASSWORD}\n` });
  const lose = async (world: World) => {
    writeFileSync(world.sshd.authorizedKeys, '');
    await killSsh(world);
    await eventually('a login is needed', () => keeperOf(world.laptop).phase === 'needs-login');
    const start = [...PROGRAM, 'start', 'loopback', '--no-browser', '-F', world.sshd.sshConfig];
    const window = openTerminal(start, world.laptop.env);
    try {
      await window.saw("'s password:");
      window.type(`${PASSWORD}\n`);
      if ((await window.ended) !== 0) throw new Error(window.shown());
    } finally {
      await window.close();
    }
  };
  const sshdConfig = ['PasswordAuthentication yes', 'UsePAM yes'];
  return { options: { ...host, account, sshdConfig }, lose, remove: () => account.remove() };
};

const PASSWORD = 'correct horse battery';

async function killSsh({ laptop }: World): Promise<void> {
  signalQuietly(keeperOf(laptop).ssh?.pid ?? 0, 'SIGKILL');
}

function overNetwork(host: WorldOptions, lose: (network: Network, world: World) => Promise<void>): Link {
  const network = makeNetwork();
  const enter = [...network.enter, ...(host.machine?.enter ?? [])];
  return {
    options: { ...host, machine: { address: network.address, enter } },
    lose: (world) => lose(network, world),
    remove: network.remove,
  };
}
