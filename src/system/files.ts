import {
  accessSync,
  constants,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Failure, Interrupted } from './errors.ts';

/**
 * Makes sure that `path` is a folder of this user's that nobody else can enter, whatever the umask.
 * @throws Failure when it cannot be made, or is somebody else's, or open to others.
 */
export function ensurePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new Failure(`cannot make the folder ${path}: ${reason(cause)}`, {
      remedy: `Make ${dirname(path)} writable, or name another place in XDG_STATE_HOME.`,
      cause,
    });
  }
  verifyPrivateFolder(path);
}

/**
 * Verifies that nobody else has a hand in what stands in a folder, if it is there: what is read in it is believed.
 * @throws Failure when it is a link, somebody else's, or open to others
 */
export function verifyPrivateFolder(path: string): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (!entry?.isDirectory() && !entry?.isSymbolicLink()) return;
  if (entry.isSymbolicLink()) {
    throw new Failure(`the folder ${path} is a symbolic link`, {
      remedy: 'Name the place that it leads to in XDG_STATE_HOME.',
    });
  }
  const { uid, mode } = entry;
  if (process.getuid && uid !== process.getuid()) {
    throw new Failure(`the folder ${path} belongs to another user (uid ${uid})`, {
      remedy: 'Remove it, or name another place in XDG_STATE_HOME.',
    });
  }
  if ((mode & 0o077) !== 0) {
    throw new Failure(`the folder ${path} is open to other users (mode ${(mode & 0o777).toString(8)})`, {
      remedy: `Look whether its content is what you expect, then: chmod 700 ${path}`,
    });
  }
}

/**
 * Verifies that a file could be written at `path`, and makes nothing.
 * @throws Failure when it could not
 */
export function verifyWritable(path: string): void {
  let folder = dirname(path);
  while (!isThere(folder)) folder = dirname(folder);
  try {
    // The slash at the end makes it an error when this is no folder.
    accessSync(`${folder}/`, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new Failure(`cannot write ${path}: ${reason(cause)}`, {
      remedy: `See that ${folder} is a folder that you may write to.`,
      cause,
    });
  }
}

/** Whether something stands at `path`, a link that leads nowhere included. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Replaces the content of a file: all or nothing, on the disk when this returns, mode 0600.
 * @throws Failure when it cannot be written.
 */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  const { default: writeFileAtomic } = await import('write-file-atomic');
  try {
    await writeFileAtomic(path, content, { mode: 0o600 });
  } catch (cause) {
    throw notWritten(path, cause);
  }
}

/**
 * Replaces a file that only one process writes, and that a crash of the machine may cost: all or nothing; mode 0600.
 * @throws Failure when it cannot be written; it is as it was then.
 */
export function writePassingFile(path: string, content: string): void {
  const next = `${path}.new`;
  try {
    writeFileSync(next, content, { mode: 0o600 });
    renameSync(next, path);
  } catch (cause) {
    rmSync(next, { force: true });
    throw notWritten(path, cause);
  }
}

function notWritten(path: string, cause: unknown): Failure {
  return new Failure(`cannot write ${path}: ${reason(cause)}`, {
    remedy: `See that ${dirname(path)} is writable and its disk is not full.`,
    cause,
  });
}

/** How often a folder is looked at where the system tells of no changes. */
const LOOK_MS = 50;

/**
 * Waits until `look` finds something: it looks at once, and again after each change in a folder.
 * @param ended the wait is in vain once this settles; its error is passed on
 * @returns what was found; undefined when `ended` came first
 * @throws Interrupted when the signal is aborted
 */
export async function watchUntil<T>(
  folder: string,
  look: () => T | undefined | Promise<T | undefined>,
  signal: AbortSignal,
  ended: Promise<unknown> = new Promise(() => {}),
): Promise<T | undefined> {
  if (signal.aborted) throw new Interrupted();
  let endWatch = () => {};
  let onAbort = () => {};
  try {
    return await new Promise<T | undefined>((resolve, reject) => {
      const onChange = async () => {
        const found = await look();
        if (found !== undefined) resolve(found);
      };
      const lookAgain = () => void onChange().catch(reject);
      onAbort = () => reject(new Interrupted());
      signal.addEventListener('abort', onAbort);
      ended.then(() => resolve(undefined), reject);
      endWatch = watchFolder(folder, lookAgain);
      lookAgain();
    });
  } finally {
    endWatch();
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Calls `look` after each change in a folder, by an event of the file system; where the system has none to spare
 * (inotify(7) has a limit for each user), every 50 ms. Returns what ends it.
 */
function watchFolder(folder: string, look: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const fallBack = () => {
    timer ??= setInterval(look, LOOK_MS);
  };
  try {
    const watcher = watch(folder, look).on('error', fallBack);
    return () => {
      watcher.close();
      clearInterval(timer);
    };
  } catch {
    fallBack();
    return () => clearInterval(timer);
  }
}

/** What the system said, without Node's prefix and path: `EACCES: permission denied`. */
export function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(', ')[0] ?? message;
}
