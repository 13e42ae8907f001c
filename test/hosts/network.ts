import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Machine } from './sshd.ts';
import { untilRemoved } from './standing.ts';

/** A machine behind its own link, which can be cut: a network namespace, which needs root. */
export interface Network extends Machine {
  /** Cuts the link, without notice to either side. */
  cut(): void;
  /** Restores the link. */
  restore(): void;
  /** Gives this machine another address on the link, as behind another access point. */
  roam(): void;
  remove(): void;
}

export interface NetworkOptions {
  /**
   * Whether routers are between the two: while the link is cut, packets vanish without an error. Otherwise this machine
   * soon finds no route.
   */
  readonly isFar?: boolean;
}

/**
 * A random /28 of the block that is reserved for tests between networks (RFC 2544), which no other test uses.
 * @param taken the addresses of this machine
 */
function freeBlock(taken: string): (host: number) => string {
  const [second = 0, third = 0, fourth = 0] = randomBytes(3);
  const at = (host: number) => `198.${18 + (second & 1)}.${third}.${(fourth & 0xf0) + host}`;
  return taken.includes(` ${at(1)}/`) || taken.includes(` ${at(5)}/`) ? freeBlock(taken) : at;
}

export function makeNetwork({ isFar = false }: NetworkOptions = {}): Network {
  const id = randomBytes(3).toString('hex');
  const [inside, outside, namespace] = [`rni${id}`, `rno${id}`, `rn-${id}`];
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const at = freeBlock(String(ip('-4', '-o', 'addr')));
  // Some of it may not exist yet.
  const remove = () => {
    spawnSync('ip', ['link', 'del', outside]);
    spawnSync('ip', ['netns', 'del', namespace]);
  };
  const network = untilRemoved({
    address: at(2),
    enter: ['ip', 'netns', 'exec', namespace],
    // Only the far end: this machine's end stays up, so that ssh notices nothing.
    cut: () => ip('-n', namespace, 'link', 'set', inside, 'down'),
    restore: () => ip('-n', namespace, 'link', 'set', inside, 'up'),
    roam: () => {
      ip('addr', 'del', `${at(1)}/28`, 'dev', outside);
      ip('addr', 'add', `${at(5)}/28`, 'dev', outside);
    },
    remove,
    removeNow: remove,
  });
  ip('netns', 'add', namespace);
  ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', namespace);
  ip('addr', 'add', `${at(1)}/28`, 'dev', outside);
  ip('link', 'set', outside, 'up');
  ip('-n', namespace, 'addr', 'add', `${at(2)}/28`, 'dev', inside);
  ip('-n', namespace, 'link', 'set', inside, 'up');
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  if (isFar) {
    const [, hardware = ''] =
      /link\/ether (\S+)/.exec(String(ip('-n', namespace, 'link', 'show', inside))) ?? [];
    ip('neigh', 'replace', at(2), 'lladdr', hardware, 'dev', outside, 'nud', 'permanent');
  }
  return network;
}
