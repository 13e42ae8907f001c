import { copyFileSync, existsSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from './errors.ts';
import { makeFolders, reason } from './files.ts';
import { verifyTrusted } from './trust.ts';

/** A file of the user's after a change. */
export interface ChangedFile {
  /** Without symbolic links. */
  readonly path: string;
  readonly text: string;
  /** Restores the file, unless somebody has changed it since. */
  undo(): Promise<void>;
}

/**
 * Changes a file of the user's. It keeps its mode and its place behind a link; its old text goes to
 * FILE.before-remote-notebook. A new file and folder are private if `isPrivate`.
 * @param change returns the new text
 * @returns undefined when nothing had to be changed
 * @throws Failure when the file cannot be written, UsageError when another user could change it, too
 */
export async function changeUserFile(
  path: string,
  isPrivate: boolean,
  change: (text: string) => string,
): Promise<ChangedFile | undefined> {
  const { default: writeFileAtomic } = await import('write-file-atomic');
  const isNew = !existsSync(path);
  if (!isNew) verifyTrusted(path);
  const file = isNew ? path : realpathSync(path);
  const backup = `${file}.before-remote-notebook`;
  try {
    const before = isNew ? '' : readFileSync(file, 'utf8');
    const text = change(before);
    if (text === before) return undefined;
    const newMode = isPrivate ? 0o600 : 0o644;
    const mode = isNew ? newMode : statSync(file).mode & 0o777;
    makeFolders(dirname(file), isPrivate ? 0o700 : 0o777);
    if (!isNew) copyFileSync(file, backup);
    await writeFileAtomic(file, text, { mode });
    const undo = async () => {
      if (readFileSync(file, 'utf8') !== text) return;
      if (isNew) rmSync(file);
      else await writeFileAtomic(file, before, { mode });
      rmSync(backup, { force: true });
    };
    return { path: file, text, undo };
  } catch (cause) {
    throw new Failure(`cannot write ${file}: ${reason(cause)}`, { cause });
  }
}
