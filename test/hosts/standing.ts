import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What is outside of this process, and is to be gone when it has ended. */
interface Removable {
  remove(): void | Promise<void>;
  /** The same where nothing can be waited for any more: when this process ends before `remove`. */
  removeNow?(): void;
}

const standing = new Set<Removable>();
const folders = new Set<string>();
let isClosing = false;

/** Remembers what is made until it is removed: from its first folder on, since an interrupt may come at any time. */
export function untilRemoved<T extends Removable>(made: T): T {
  const { remove } = made;
  standing.add(made);
  made.remove = async () => {
    await remove();
    standing.delete(made);
  };
  if (isClosing) throw new Error('interrupted');
  return made;
}

/** A folder for temporary files; it is removed when this process ends. */
export function makeFolder(prefix = 'rn-'): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  folders.add(folder);
  return folder;
}

/** Remembers a process, and kills it when this one ends before it. */
export function untilEnd<T extends ChildProcess>(child: T): T {
  const kill = () => void child.kill('SIGKILL');
  const remembered = { remove: kill, removeNow: kill };
  standing.add(remembered);
  child.once('exit', () => standing.delete(remembered));
  return child;
}

/**
 * Removes all that still stands, the last first, and what is begun meanwhile: for who is interrupted, and does not come
 * to the end of its story.
 */
export async function removeStanding(): Promise<void> {
  isClosing = true;
  for (let last = lastStanding(); last; last = lastStanding()) {
    standing.delete(last);
    await last.remove();
  }
}

function lastStanding(): Removable | undefined {
  return [...standing].at(-1);
}

process.on('exit', () => {
  for (const each of [...standing].reverse()) each.removeNow?.();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
