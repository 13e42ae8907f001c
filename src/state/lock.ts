import { readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { isAlive, startTimeOf } from '../system/process.ts';

const RETRY_MS = 50;
/** After so many tries a wait is explained for what cannot be looked for here. */
const PATIENCE = 60;

/**
 * Does `work` while no other process holds the lock on `path`, waiting for it as long as it takes: a holder may
 * have a user who types a password. The lock of a process that is gone is taken over, that of one that lives never,
 * though it be stopped. What another machine holds, which may share the folder, is left to it, and the user is told.
 * The lock is a symbolic link that names its holder: both come into being at once.
 * @throws Interrupted when the signal is aborted meanwhile, Failure when no lock can be made there
 */
export async function withLock<T>(path: string, context: Context, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  own ??= identify();
  const { host, pid, machine, boot, container, startTime } = await own;
  const mark = [host, pid, machine, boot, container, ++count, startTime].join(' ');
  await take(lock, mark, context);
  try {
    return await work();
  } finally {
    release(lock, mark);
  }
}

/** Whether somebody holds this lock, as far as this machine can tell. */
export async function isHeld(lock: string): Promise<boolean> {
  const mark = markIn(lock);
  return mark !== undefined && (await lives(mark)) !== false;
}

/** Removes a lock that nobody holds. */
export async function removeLock(lock: string, context: Context): Promise<void> {
  const mark = markIn(lock);
  if (mark !== undefined && (await lives(mark)) === false) await breakLock(lock, mark, context);
}

async function take(lock: string, mark: string, context: Context): Promise<void> {
  for (let unknown = 0; ; ) {
    if (context.signal.aborted) throw new Interrupted();
    link(lock, mark);
    // Whom it names has it: a file system of the network may tell of the link that it has made that it was there.
    const holder = markIn(lock);
    if (holder === mark) return;
    const isThere = holder === undefined ? undefined : await lives(holder);
    if (holder !== undefined && isThere === false) await breakLock(lock, holder, context);
    unknown = isThere === undefined ? unknown + 1 : 0;
    if (unknown === PATIENCE) {
      const { pid, host } = readMark(holder);
      const who = pid ? `process ${pid} of ${host}` : 'something else';
      context.report.note(`waiting for ${who}, which has the lock; if that is gone, remove it: ${lock}`);
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

/** Should it stay, it names a process that is gone soon. */
function release(lock: string, mark: string): void {
  if (markIn(lock) === mark) attempt(() => rmSync(lock));
}

/**
 * Removes the lock of a holder that is gone. Only who holds a second lock, the lock's own, may: of two that have found
 * the same the later one sees what the first has made of it. Should a crash leave that one, it goes in the same way.
 */
function breakLock(lock: string, dead: string, context: Context): Promise<void> {
  return withLock(lock, context, async () => release(lock, dead));
}

function markIn(lock: string): string | undefined {
  return attempt(() => readlinkSync(lock));
}

function readMark(mark = '') {
  const [, host, pid, machine, boot, container, startTime] = MARK.exec(mark) ?? [];
  return { host, pid: pid && Number(pid), machine, boot, container, startTime };
}

/** Whether the holder is there; undefined when nobody here can tell. */
async function lives(mark: string): Promise<boolean | undefined> {
  const [{ host, machine, boot, container, pid, startTime }, here] = [readMark(mark), await identify()];
  if (!pid || !startTime) return undefined;
  if (host !== here.host || machine !== here.machine) return undefined;
  if (boot !== here.boot) return false;
  if (container !== here.container) return undefined;
  // Who cannot see even itself, having no more files to open say, sees nobody.
  return (await isAlive({ pid, startTime })) || (here.startTime === undefined ? undefined : false);
}

/**
 * HOST PID MACHINE BOOT CONTAINER COUNT START. The mark is short, because tmpfs and ext4 store a short symbolic link
 * without another block: a lock can be made on a full disk. START is last: macOS has blanks in it.
 */
const MARK = /^(\S+) (\d+) (\S+) (\S+) (\S+) \d+ (.+)$/;

/** Number of locks that this process has asked for: it tells them apart. */
let count = 0;

/** Identifies this process among all that may share the folder. Machines of one image may share their name or their id. */
async function identify() {
  const read = (file: string) => attempt(() => readFileSync(file, 'utf8').trim().slice(0, 8)) || '-';
  return {
    host: hostname(),
    machine: read('/etc/machine-id'),
    boot: read('/proc/sys/kernel/random/boot_id'),
    container: attempt(() => readlinkSync('/proc/self/ns/pid'))?.replace(/\D/g, '') || '-',
    pid: process.pid,
    startTime: await startTimeOf(process.pid),
  };
}

/** Asked once, while there are files to open. */
let own: ReturnType<typeof identify> | undefined;

/** What a system may not have. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
