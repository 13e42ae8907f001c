import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Something outside this process that must be removed when it ends. */
interface Removable {
  remove(): void | Promise<void>;
  /** The same without waiting, for when this process ends before `remove`. */
  removeNow?(): void;
}

const standing = new Set<Removable>();
const folders = new Set<string>();
let isClosing = false;

/** Remembers a thing from the creation of its first folder until it is removed, because an interrupt may come at any time. */
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

/** Remembers a process, and kills it if this one ends first. */
export function untilEnd<T extends ChildProcess>(child: T): T {
  const kill = () => void child.kill('SIGKILL');
  const remembered = { remove: kill, removeNow: kill };
  standing.add(remembered);
  child.once('exit', () => standing.delete(remembered));
  return child;
}

/**
 * Removes everything that still exists, the newest first, and what is created in the meantime. For processes that are
 * interrupted before their end.
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
