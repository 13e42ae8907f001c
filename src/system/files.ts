import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { shellQuote } from './command.ts';
import { attempt, Failure, Interrupted } from './errors.ts';
import { verifyFoldersAbove } from './trust.ts';

/**
 * Creates a folder and those above it.
 * @param variable the variable of the environment that names another place
 * @throws Failure
 */
export function makeFolders(
  path: string,
  mode: number,
  variable?: 'XDG_STATE_HOME' | 'XDG_CONFIG_HOME',
): void {
  try {
    makeEachFolder(path, mode);
  } catch (cause) {
    const otherWay = variable ? `, or set ${variable} to another folder` : '';
    throw new Failure(`cannot create the folder ${path}: ${reason(cause)}`, {
      remedy: `Make ${dirname(path)} writable${otherWay}.`,
      cause,
    });
  }
}

/** Node's own `recursive` never returns on a file system that answers ENOENT for a new folder below an existing one, as /proc does. */
function makeEachFolder(path: string, mode: number): void {
  if (isFolder(path)) return;
  if (!isThere(path)) makeEachFolder(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (cause) {
    // Another process may have created it meanwhile.
    if (!isFolder(path)) throw cause;
  }
}

function isFolder(path: string): boolean {
  return attempt(() => statSync(path))?.isDirectory() ?? false;
}

/**
 * Creates a folder that only this user can enter.
 * @throws Failure when that fails, or others can enter it; UsageError when others can replace it
 */
export function ensurePrivateFolder(path: string): void {
  makeFolders(path, 0o700, 'XDG_STATE_HOME');
  verifyPrivateFolder(path);
}

/**
 * Verifies that a folder, if it exists, can be trusted.
 * @throws Failure for a link, or if others can enter it; UsageError when others can replace it
 */
export function verifyPrivateFolder(path: string): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (!entry?.isDirectory() && !entry?.isSymbolicLink()) return;
  if (entry.isSymbolicLink()) {
    throw new Failure(`the folder ${path} is a symbolic link`, {
      remedy: 'Set XDG_STATE_HOME to the folder that it points to.',
    });
  }
  const { uid, mode } = entry;
  if (process.getuid && uid !== process.getuid()) {
    throw new Failure(`the folder ${path} belongs to another user (uid ${uid})`, {
      remedy: 'Remove it, or set XDG_STATE_HOME to another folder.',
    });
  }
  if ((mode & 0o077) !== 0) {
    throw new Failure(`the folder ${path} is open to other users (mode ${(mode & 0o777).toString(8)})`, {
      remedy: `Check its contents, then run: chmod 700 ${shellQuote(path)}`,
    });
  }
  verifyFoldersAbove(path);
}

/** Verifies that a file could be written, without creating anything. @throws Failure */
export function verifyWritable(path: string): void {
  let folder = dirname(path);
  while (!isThere(folder)) folder = dirname(folder);
  try {
    // The slash makes it an error when this is not a folder.
    accessSync(`${folder}/`, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new Failure(`cannot write ${path}: ${reason(cause)}`, {
      remedy: `Check that ${folder} is a folder and that you can write to it.`,
      cause,
    });
  }
}

/** Whether `path` exists, also as a broken link. */
function isThere(path: string): boolean {
  return attempt(() => lstatSync(path)) !== undefined;
}

/**
 * Replaces a file atomically, with mode 0600, and syncs it to the disk.
 * @param isAlone whether nobody else can be writing it now: then what killed writers have left is removed
 * @throws Failure
 */
export async function writePrivateFile(path: string, content: string, isAlone = false): Promise<void> {
  const { default: writeFileAtomic } = await import('write-file-atomic');
  try {
    if (isAlone) removeUnfinished(path);
    await writeFileAtomic(path, content, { mode: 0o600 });
  } catch (cause) {
    throw notWritten(path, cause);
  }
}

/** write-file-atomic adds a number to the name of a file that it has not finished. */
function removeUnfinished(path: string): void {
  const [folder, name] = [dirname(path), basename(path)];
  for (const entry of readdirSync(folder).filter((each) => each.startsWith(`${name}.`))) {
    if (/^\d+$/.test(entry.slice(name.length + 1))) rmSync(join(folder, entry), { force: true });
  }
}

/** As `writePrivateFile` without a sync, for a file that only one process writes and that a power failure may destroy. */
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

/** Maximum number of bytes of a file that `readSince` reads. */
const MAX_READ = 200_000;

/** Returns the text of a file after the byte `start`, and where the file ends. Of a long text, only the end. @throws */
export function readSince(path: string, start: number): { text: string; end: number } {
  const file = openSync(path, 'r');
  try {
    const end = fstatSync(file).size;
    const first = Math.max(start, end - MAX_READ);
    const bytes = Buffer.alloc(Math.max(0, end - first));
    return { text: bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, first)), end };
  } finally {
    closeSync(file);
  }
}

function notWritten(path: string, cause: unknown): Failure {
  return new Failure(`cannot write ${path}: ${reason(cause)}`, {
    remedy: `Check that ${dirname(path)} is writable and that its disk is not full.`,
    cause,
  });
}

/** Interval for polling a folder if the system cannot watch it. */
const LOOK_MS = 50;

/**
 * Calls `look` at once and after each change in a folder, until it returns a value.
 * @param ended ends the wait; its error is thrown
 * @returns the value; undefined when `ended` came first
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

/** Calls `look` after each change in a folder; polls if the limit of inotify(7) is reached. Returns a function that ends it. */
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

/** The message of the system without Node's prefix and path: `EACCES: permission denied`. */
export function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(', ')[0] ?? message;
}
