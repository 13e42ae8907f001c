import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Machine } from './sshd.ts';

/** This machine without the programs that these patterns of paths name: for an sshd in a mount namespace, which needs root. */
export function without(...patterns: readonly string[]): Machine {
  // A file that is hidden is not executable, and a folder is empty.
  const hide = `for each in ${patterns.join(' ')}; do
    if [ -d "$each" ]; then mount -t tmpfs tmpfs "$each"; elif [ -e "$each" ]; then mount --bind /dev/null "$each"; fi || exit
  done
  exec "$@"`;
  return { address: '127.0.0.1', enter: ['unshare', '--mount', 'sh', '-c', hide, 'sh'] };
}

/** The places of Jupyter on this machine. */
export const JUPYTERS = [
  '/usr/bin/jupyter*',
  '/usr/local/bin/jupyter*',
  join(homedir(), '.pyenv/shims/jupyter*'),
];
