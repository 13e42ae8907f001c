import { lstatSync, lutimesSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { Failure, Interrupted } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { isAlive, startTimeOf } from '../system/process.ts';

/** How often a lock that somebody has is tried, and how often its holder is looked for. */
const RETRY_MS = 20;
const LOOK_MS = 200;
/** A holder that cannot be looked for is gone when it has not freshened its lock for so long. */
const STALE_MS = 10_000;
const FRESHEN_MS = STALE_MS / 5;

/** A lock as it stands there: who holds it, unless it is none of ours, and when it was freshened last. */
interface Found {
  readonly mark: string | undefined;
  readonly freshened: number;
}

/**
 * Does `work` while no other process holds the lock on `path`, waiting for it as long as it takes: a holder may
 * have a user who types a password. The lock of a process that is gone is taken over, that of one that lives never,
 * though it be stopped; on another machine, which may share the folder, who freshens its lock counts as living.
 * The lock is a symbolic link that names its holder: both come into being at once.
 * @throws Interrupted when the signal is aborted meanwhile, Failure when no lock can be made there
 */
export async function withLock<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  const mark = await makeMark();
  await take(lock, mark, signal);
  const freshening = setInterval(() => ifStillOurs(lock, mark, () => freshen(lock)), FRESHEN_MS).unref();
  try {
    return await work();
  } finally {
    clearInterval(freshening);
    ifStillOurs(lock, mark, () => rmSync(lock, { force: true }));
  }
}

/** Whether somebody holds this lock, as far as one look can tell. */
export async function isHeld(lock: string): Promise<boolean> {
  const found = look(lock);
  return found !== undefined && ((await lives(found)) ?? Math.abs(Date.now() - found.freshened) < STALE_MS);
}

/** Removes a lock that nobody holds. */
export async function removeLock(lock: string, signal: AbortSignal): Promise<void> {
  const found = look(lock);
  if (found && !(await isHeld(lock))) await breakLock(lock, found, signal);
}

async function take(lock: string, mark: string, signal: AbortSignal): Promise<void> {
  let seen: Found | undefined;
  let since = 0;
  let nextLook = 0;
  for (;;) {
    if (signal.aborted) throw new Interrupted();
    link(lock, mark);
    // Whom it names has it: a file system of the network may tell of the link that it has made that it was there.
    const found = look(lock);
    if (found?.mark === mark) return;
    const now = performance.now();
    if (!isSame(found, seen)) {
      seen = found;
      since = nextLook = now;
    }
    if (found && now >= nextLook) {
      nextLook = now + LOOK_MS;
      // No clock of another machine is compared with this one's.
      const isThere = (await lives(found)) ?? now - since < STALE_MS;
      if (!isThere) await breakLock(lock, found, signal);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function link(lock: string, mark: string): void {
  try {
    symlinkSync(mark, lock);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw new Failure(`cannot lock ${lock.replace(/\.lock$/, '')}: ${reason(cause)}`, {
      remedy: `See that ${dirname(lock)} is writable and its disk is not full.`,
      cause,
    });
  }
}

/**
 * Removes the lock of a holder that is gone. Only who holds a second lock, the lock's own, may: of two that have found
 * the same the later one sees what the first has made of it. Should a crash leave that one, it goes in the same way.
 */
function breakLock(lock: string, dead: Found, signal: AbortSignal): Promise<void> {
  return withLock(lock, signal, async () => {
    if (isSame(look(lock), dead)) rmSync(lock, { recursive: true, force: true });
  });
}

function look(lock: string): Found | undefined {
  try {
    const entry = lstatSync(lock);
    return { mark: entry.isSymbolicLink() ? readlinkSync(lock) : undefined, freshened: entry.mtimeMs };
  } catch {
    return undefined;
  }
}

function isSame(one: Found | undefined, other: Found | undefined): boolean {
  return one?.mark === other?.mark && one?.freshened === other?.freshened;
}

function freshen(lock: string): void {
  const now = new Date();
  lutimesSync(lock, now, now);
}

/** After a sleep of this machine another one may have taken the lock over. The work goes on all the same. */
function ifStillOurs(lock: string, mark: string, change: () => void): void {
  try {
    if (look(lock)?.mark === mark) change();
  } catch {}
}

/** Names this process and this lock of its: `PLACE NUMBER PID START`. */
async function makeMark(): Promise<string> {
  started ??= startTimeOf(process.pid);
  return [place(), Math.random().toString(36).slice(2), process.pid, (await started) ?? ''].join(' ');
}

let started: Promise<string | undefined> | undefined;

/** Whether the holder is there; undefined when nobody here can tell. */
async function lives({ mark = '' }: Found): Promise<boolean | undefined> {
  const [, where, pid, start] = /^(\S+) \S+ (\d+) (.+)$/.exec(mark) ?? [];
  if (where !== place() || start === undefined) return undefined;
  if (await isAlive({ pid: Number(pid), startTime: start })) return true;
  // Who cannot see even itself, having no more files to open say, sees nobody.
  return (await startTimeOf(process.pid)) === undefined ? undefined : false;
}

/** Where a PID is the same process for all: a machine, by its name and its boot, and in it a container. */
function place(): string {
  const parts = [
    hostname,
    () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'),
    () => readlinkSync('/proc/self/ns/pid'),
  ];
  return parts.map((part) => attempt(part).replaceAll(/\s/g, '')).join('/');
}

/** Not every system tells all. */
function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
