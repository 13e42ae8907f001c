import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Machine } from './sshd.ts';
import { untilRemoved } from './standing.ts';

/** A machine behind a link of its own, that can be cut: a network namespace, for which one must be root. */
export interface Network extends Machine {
  /** The link goes down, without a word to either side. */
  cut(): void;
  /** It comes back. */
  restore(): void;
  /** This machine gets another address on it, as behind another access point. */
  roam(): void;
  remove(): void;
}

export function makeNetwork(): Network {
  const id = randomBytes(3).toString('hex');
  const [inside, outside, namespace] = [`rni${id}`, `rno${id}`, `rn-${id}`];
  // A random /28 of the block that is kept for tests between networks (RFC 2544).
  const prefix = `198.18.${randomBytes(1)[0]}`;
  const base = (randomBytes(1)[0] ?? 0) & 0xf0;
  const at = (host: number) => `${prefix}.${base + host}`;
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  // Not all of it need be there yet.
  const remove = () => {
    spawnSync('ip', ['link', 'del', outside]);
    spawnSync('ip', ['netns', 'del', namespace]);
  };
  const network = untilRemoved({
    address: at(2),
    enter: ['ip', 'netns', 'exec', namespace],
    // The far end alone: this machine's own stays up, so that nothing tells ssh.
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
  return network;
}
