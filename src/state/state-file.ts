import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, Failure } from '../system/errors.ts';
import { reason, verifyPrivateFolder } from '../system/files.ts';
import { verifyTrusted } from '../system/trust.ts';

/**
 * Reads a file of the state folder. Returns undefined if there is none.
 * @throws Failure for a file or folder that is not this user's own, or cannot be read
 */
export function readStateFile(file: string): string | undefined {
  const folder = dirname(file);
  try {
    verifyPrivateFolder(folder);
    verifyTrusted(file);
    if (!statSync(file).isFile()) throw new Error('it is not a regular file');
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new Failure(`cannot read ${file}: ${reason(cause)}`, {
      remedy: `Check that ${folder} is a folder of yours, or set XDG_STATE_HOME to another place.`,
      cause,
    });
  }
}
