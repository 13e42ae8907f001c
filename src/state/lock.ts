import { readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../system/context.ts';
import { attempt, errorCode, Failure, Interrupted } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { isAlive, startTimeOf } from '../system/process.ts';

const RETRY_MS = 50;
/** Number of tries after which the user learns that another machine seems to hold the lock. */
const TRIES_BEFORE_NOTE = 60;

/**
 * Runs `work` while no other process holds the lock on `path`. It waits without limit: the user of another command may be
 * typing a password. The lock of a process that has ended is taken over; that of a live one never is, even if it is
 * suspended; nor is that of another machine that shares the folder: the user is notified.
 * The lock is a symbolic link whose target identifies its holder: both are created in one step.
 * @throws Interrupted when the signal is aborted while waiting, Failure when the lock cannot be created
 */
export async function withLock<T>(path: string, context: Context, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  own ??= identify();
  const { host, pid, machine, boot, container, startTime } = await own;
  const mark = [host, pid, machine, boot, container, ++count, startTime].join(' ');
  await acquire(lock, mark, context);
  try {
    return await work();
  } finally {
    release(lock, mark);
  }
}

/** Whether the lock exists and its holder is alive, or may be alive on another machine. */
export async function isHeld(lock: string): Promise<boolean> {
  const mark = markIn(lock);
  return mark !== undefined && (await isHolderAlive(mark)) !== false;
}

/** Removes the lock if its holder has ended. */
export async function removeLock(lock: string, context: Context): Promise<void> {
  const mark = markIn(lock);
  if (mark !== undefined && (await isHolderAlive(mark)) === false) await breakLock(lock, mark, context);
}

async function acquire(lock: string, mark: string, context: Context): Promise<void> {
  for (let unknown = 0; ; ) {
    if (context.signal.aborted) throw new Interrupted();
    link(lock, mark);
    // Only the target counts: a network file system may report EEXIST for the link that it has just created.
    const holder = markIn(lock);
    if (holder === mark) return;
    const isAlive = holder === undefined ? undefined : await isHolderAlive(holder);
    if (holder !== undefined && isAlive === false) await breakLock(lock, holder, context);
    unknown = isAlive === undefined ? unknown + 1 : 0;
    if (unknown === TRIES_BEFORE_NOTE) {
      const { pid, host } = readMark(holder);
      const who = pid ? `process ${pid} of ${host}` : 'an unknown process';
      context.report.note(`waiting for ${who}, which holds the lock; if it has ended, remove ${lock}`);
    }
    await pause(RETRY_MS);
  }
}

function link(lock: string, mark: string): void {
  try {
    symlinkSync(mark, lock);
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return;
    throw new Failure(`cannot lock ${lock.replace(/\.lock$/, '')}: ${reason(cause)}`, {
      remedy: `Check that ${dirname(lock)} is writable and that its disk is not full.`,
      cause,
    });
  }
}

/** If it fails, the link identifies a process that ends soon. */
function release(lock: string, mark: string): void {
  if (markIn(lock) === mark) attempt(() => rmSync(lock));
}

/**
 * Removes the lock of a holder that has ended, while holding a lock on the lock: so two processes cannot both remove it,
 * the second one after the first has created it again.
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

/** Undefined when this machine cannot find out. */
async function isHolderAlive(mark: string): Promise<boolean | undefined> {
  const [{ host, machine, boot, container, pid, startTime }, here] = [readMark(mark), await identify()];
  if (!pid || !startTime || host !== here.host || machine !== here.machine) return undefined;
  if (boot !== here.boot) return false;
  if (container !== here.container) return undefined;
  // A process that cannot find even itself (it may have no file descriptor left) cannot find others.
  return (await isAlive({ pid, startTime })) || (here.startTime === undefined ? undefined : false);
}

/**
 * HOST PID MACHINE BOOT CONTAINER COUNT START. The mark is short, because tmpfs and ext4 store a short symbolic link
 * without another block: a lock can be made on a full disk. START is last: macOS has spaces in it.
 */
const MARK = /^(\S+) (\d+) (\S+) (\S+) (\S+) \d+ (.+)$/;

/** Number of locks that this process has asked for; it distinguishes them. */
let count = 0;

/** Identifies this process among all that may share the folder. Cloned machines may have the same name or ID. */
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

/** This process, identified once, while file descriptors are available. */
let own: ReturnType<typeof identify> | undefined;
