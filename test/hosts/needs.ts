import { existsSync } from 'node:fs';
import { whereIs } from './shells.ts';

/** What a test may need from this machine, for its `skip`: the reason if it is missing, otherwise false. */

const OUTSIDE = 'outside of this machine: ';

/** Marks a reason that no command on this machine can remove: an unreachable registry, a missing kernel feature. */
export function outside(reason: string): string {
  return `${OUTSIDE}${reason}`;
}

export function isOutside(reason: string): boolean {
  return reason.startsWith(OUTSIDE);
}

export function missing(program: string): string | false {
  return whereIs(program) === undefined && `${program} is not installed`;
}

const isLinux = process.platform === 'linux';

/** Access to the processes of others, with their arguments and environments. */
export const NO_PROC = !isLinux && outside('only Linux has /proc');

/** Permission to create mounts, network namespaces and accounts. */
export const NO_ROOT = (!isLinux || process.getuid?.() !== 0) && 'only root on Linux can do that';

export const NO_ACCOUNTS = NO_ROOT || missing('useradd');

const MODULES = ['/usr/share/lmod/lmod/init/sh', '/usr/share/modules/init/sh'];
export const NO_MODULES =
  !MODULES.some((file) => existsSync(file)) && 'neither Lmod nor environment-modules is here';
