import { existsSync } from 'node:fs';
import { whereIs } from './shells.ts';

/** What a test may need of this machine, for its `skip`: the reason where it is missing, else false. */

const OUTSIDE = 'outside of this machine: ';

/** Marks a reason that no command on this machine can take away: a registry that is not reached, a kernel without something. */
export function outside(reason: string): string {
  return `${OUTSIDE}${reason}`;
}

export function isOutside(reason: string): boolean {
  return reason.startsWith(OUTSIDE);
}

export function lacks(program: string): string | false {
  return whereIs(program) === undefined && `${program} is not installed`;
}

const isLinux = process.platform === 'linux';

/** The processes of others, their arguments and environments. */
export const NO_PROC = !isLinux && outside('only Linux has /proc');

/** Mounts, network namespaces, accounts. */
export const NO_ROOT = (!isLinux || process.getuid?.() !== 0) && 'only root on Linux can do that';

export const NO_ACCOUNTS = NO_ROOT || lacks('useradd');

const MODULES = ['/usr/share/lmod/lmod/init/sh', '/usr/share/modules/init/sh'];
export const NO_MODULES =
  !MODULES.some((file) => existsSync(file)) && 'neither Lmod nor environment-modules is here';
