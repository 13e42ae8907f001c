import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { homeFolder } from '../system/paths.ts';
import { verifyTrusted } from '../system/trust.ts';

/** ssh(1): with `-F none` ssh reads no file at all. */
export const NO_FILE = 'none';

/** The absolute path of the file that `-F` names, with a leading ~ expanded. */
export function absoluteSshConfig(file: string): string {
  return file === NO_FILE ? file : resolve(file.replace(/^~(?=\/)/, () => homeFolder(process.env)));
}

/** @throws UsageError when the user has named a file that cannot be read, or that another user can change */
export function verifySshConfig(file: string | undefined): void {
  if (file === undefined || file === NO_FILE) return;
  const path = absoluteSshConfig(file);
  try {
    if (file === '') throw new Error('the file name is empty');
    accessSync(path, constants.R_OK);
    const stats = statSync(path);
    if (stats.isDirectory()) throw new Error('it is a folder');
    // Several ssh read the file, and a pipe can be read only once.
    if (!stats.isFile() && !stats.isCharacterDevice()) throw new Error('it is not a regular file');
  } catch (cause) {
    throw new UsageError(`cannot read the ssh_config ${file || '""'}: ${reason(cause)}`, {
      remedy: 'Name an existing file with -F, or leave -F out to use ~/.ssh/config.',
      cause,
    });
  }
  verifyTrusted(path);
}

/**
 * Verifies that no other user can change the file that config.yaml or a record names. ssh verifies that of each file
 * except the one after -F. A missing file is left to ssh, which reports it when it needs it.
 * @throws UsageError
 */
export function verifyStoredSshConfig(file: string | undefined): void {
  if (file !== undefined && file !== NO_FILE && existsSync(absoluteSshConfig(file)))
    verifyTrusted(absoluteSshConfig(file));
}
