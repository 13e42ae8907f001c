import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';

/** ssh(1): with `-F none` ssh reads no file at all. */
export const NO_FILE = 'none';

/** The absolute path of the file that `-F` names, with a leading ~ expanded. */
export function absoluteSshConfig(file: string): string {
  return file === NO_FILE ? file : resolve(file.replace(/^~(?=\/)/, homedir()));
}

/** @throws UsageError when the user has named a file that cannot be read */
export function verifySshConfig(file: string | undefined): void {
  if (file === undefined || file === NO_FILE) return;
  const path = absoluteSshConfig(file);
  try {
    if (file === '') throw new Error('the file name is empty');
    accessSync(path, constants.R_OK);
    if (statSync(path).isDirectory()) throw new Error('it is a folder');
  } catch (cause) {
    throw new UsageError(`cannot read the ssh_config ${file || '""'}: ${reason(cause)}`, {
      remedy: 'Name an existing file with -F, or leave -F out to use ~/.ssh/config.',
      cause,
    });
  }
}
