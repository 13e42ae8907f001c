import { lstatSync, readFileSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { shellQuote } from './command.ts';
import { attempt, UsageError } from './errors.ts';
import { homeFolder } from './paths.ts';

/**
 * Verifies that no other user except root can change a file, which may contain commands. Its owner and mode are checked
 * as ssh checks ~/.ssh/config; the folders above it as sshd checks those above authorized_keys, up to the home folder.
 * @throws UsageError with the command that fixes it; the system's error if the file does not exist
 */
export function verifyTrusted(path: string): void {
  verifyEntry(path, statSync(path));
  verifyFoldersAbove(path);
}

/** Verifies that no other user except root can replace a file or folder. @throws as `verifyTrusted` */
export function verifyFoldersAbove(path: string): void {
  const folders = stepsTo(resolve(path)).flatMap(foldersAbove);
  for (const folder of new Set(folders)) verifyEntry(folder, statSync(folder));
}

/** The path, and the target of each symbolic link on the way to the file. */
function stepsTo(path: string): string[] {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
  return isLink ? [path, ...stepsTo(resolve(dirname(path), readlinkSync(path)))] : [path];
}

/** The folders above a file, up to the home folder or else the root. */
function foldersAbove(file: string): string[] {
  const home = attempt(() => realpathSync(homeFolder(process.env)));
  const folders: string[] = [];
  for (let folder = realpathSync(dirname(file)); folders.at(-1) !== folder; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === home) break;
  }
  return folders;
}

/** S_IWGRP and S_IWOTH of inode(7). */
const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_ALL = 0o002;
/** S_ISVTX: in such a folder, for example /tmp, users can replace only their own files. */
const STICKY = 0o1000;

function verifyEntry(path: string, stats: Stats): void {
  const { uid, mode } = stats;
  const own = process.getuid?.() ?? uid;
  if (uid !== own && uid !== 0) {
    const me = attempt(() => userInfo().username) ?? own;
    const [otherWay, sudo] = own === 0 ? ['Run remote-notebook as that user. Or c', ''] : ['C', 'sudo '];
    throw new UsageError(
      `${path} belongs to another user (uid ${uid}), who could use it to run commands as you`,
      {
        remedy: `${otherWay}heck its contents, then run: ${sudo}chown ${me} ${shellQuote(path)}`,
      },
    );
  }
  // What is written into a device such as /dev/null cannot be read from it.
  const isSafe = stats.isCharacterDevice() || (stats.isDirectory() && (mode & STICKY) !== 0);
  const isGroupSafe = (mode & WRITABLE_BY_GROUP) === 0 || isOwnGroup(stats.gid);
  if (isSafe || ((mode & WRITABLE_BY_ALL) === 0 && isGroupSafe)) return;
  const octal = (mode & 0o777).toString(8);
  throw new UsageError(
    `${path} can be changed by other users (mode ${octal}), who could use it to run commands as you`,
    {
      remedy: `Check its contents, then run: chmod go-w ${shellQuote(path)}`,
    },
  );
}

/**
 * Whether only this user is in a group. Where each user has such a group, with the user's name, the usual umask is 002,
 * which lets the group write. A group that this machine's own files do not list is not known to be one.
 */
function isOwnGroup(gid: number): boolean {
  const me = attempt(userInfo);
  if (me?.gid !== gid) return false;
  const [name, , , members = ''] = entriesOf('/etc/group').find(([, , id]) => Number(id) === gid) ?? [];
  const users = entriesOf('/etc/passwd').filter(([, , , group]) => Number(group) === gid);
  const names = [name, ...members.split(',').filter(Boolean), ...users.map(([user]) => user)];
  return names.every((each) => each === me.username);
}

/** The fields of each line: see group(5) and passwd(5). */
function entriesOf(file: string): string[][] {
  const lines = attempt(() => readFileSync(file, 'utf8').split('\n')) ?? [];
  return lines.map((line) => line.split(':'));
}
