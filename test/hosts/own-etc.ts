import { join } from 'node:path';
import type { Machine } from './sshd.ts';
import { makeFolder } from './standing.ts';

/** This machine with an /etc of its own, which `change` edits. Needs root. @param change commands of sh */
export function withOwnEtc(change: string): Machine {
  const etc = join(makeFolder('rn-etc-'), 'etc');
  // Another test may add an account meanwhile: its lock files vanish while they are copied.
  const script = `cp -a /etc '${etc}' 2>/dev/null; mount --bind '${etc}' /etc && ${change} && exec "$@"`;
  return { address: '127.0.0.1', enter: ['unshare', '--mount', 'sh', '-c', script, 'sh'] };
}
