import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';

/** ssh(1): `-F none` reads no file at all. */
export const NO_FILE = 'none';

/** The file that `-F` names, as commands find it that run elsewhere: absolute, a leading ~ read as a shell would. */
export function absoluteSshConfig(file: string): string {
  return file === NO_FILE ? file : resolve(file.replace(/^~(?=\/)/, homedir()));
}

/** @throws UsageError when a file that the user has named cannot be read */
export function verifySshConfig(file: string | undefined): void {
  if (file === undefined || file === NO_FILE) return;
  const unreadable = (why: string, cause?: unknown) =>
    new UsageError(`cannot read the ssh_config ${file || '""'}: ${why}`, {
      remedy: 'Name one that is there with -F, or leave it out for ~/.ssh/config.',
      cause,
    });
  let isFolder: boolean;
  try {
    const path = absoluteSshConfig(file);
    isFolder = statSync(path).isDirectory();
    accessSync(path, constants.R_OK);
  } catch (cause) {
    throw unreadable(reason(cause), cause);
  }
  if (isFolder) throw unreadable(file === '' ? 'it names no file' : 'it is a folder');
}
