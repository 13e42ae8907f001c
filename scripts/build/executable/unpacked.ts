import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';

/** The folders to which executables of several versions have unpacked the bundle, each `program-ID` in the state folder. */

const MACHINES = 'machines';

/**
 * Marks a folder as used until this process ends, by an open file, and as used on this machine. Other machines may have the
 * same state folder, on a shared file system.
 * @throws Error when it is not there
 */
export function use(folder: string): void {
  openSync(join(folder, 'dist/cli.cjs'), 'r');
  const mark = join(folder, MACHINES, hostname());
  if (existsSync(mark)) return;
  mkdirSync(join(folder, MACHINES), { mode: 0o700, recursive: true });
  writeFileSync(mark, '');
}

/**
 * Removes the folders of other versions that were used on this machine alone, and that no process uses.
 * @param own the folder of this version
 * @throws Error when it cannot find that out
 */
export function removeOthers(state: string, own: string): void {
  const names = readdirSync(state).filter((name) => /^program-[0-9a-f]{16}$/.test(name));
  for (const name of names.filter((each) => each !== basename(own))) {
    const folder = join(state, name);
    if (!isOfThisMachine(folder) || isUsed(folder)) continue;
    // From now on, a process of this version unpacks it again.
    const aside = `${folder}.${process.pid}`;
    renameSync(folder, aside);
    if (isUsed(aside)) renameSync(aside, folder);
    else rmSync(aside, { recursive: true, force: true });
  }
}

function isOfThisMachine(folder: string): boolean {
  try {
    return readdirSync(join(folder, MACHINES)).every((name) => name === hostname());
  } catch {
    return false;
  }
}

/** Whether a process of this user has a file of the folder open. @throws Error without /proc */
function isUsed(folder: string): boolean {
  const place = `${realpathSync(folder)}/`;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.some((pid) => openFiles(pid).some((path) => path.startsWith(place)));
}

/** Paths without symbolic links; none of a process of another user. */
function openFiles(pid: string): string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).flatMap((each) => {
      try {
        return [readlinkSync(join(folder, each))];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}
