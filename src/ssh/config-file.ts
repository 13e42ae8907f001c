import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';

/** ssh(1): `-F none` reads no file at all. */
const NO_FILE = 'none';

/** The file that `-F` names, as commands find it that run elsewhere: absolute, a leading ~ read as a shell would. */
export function absoluteSshConfig(file: string): string {
  return file === NO_FILE ? file : resolve(file.replace(/^~(?=\/)/, homedir()));
}

/** @throws UsageError when a file that the user has named cannot be read */
export function verifySshConfig(file: string | undefined): void {
  if (file === undefined || file === NO_FILE) return;
  try {
    accessSync(absoluteSshConfig(file), constants.R_OK);
  } catch (cause) {
    throw new UsageError(`cannot read the ssh_config ${file}: ${reason(cause)}`, {
      remedy: 'Name one that is there with -F, or leave it out for ~/.ssh/config.',
      cause,
    });
  }
}
