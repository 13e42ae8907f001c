import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { attempt } from './errors.ts';
import { outputOf } from './run.ts';

/** Identifies a process even if its PID is used again later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat if it exists, otherwise the output of `ps -o lstart=`. Only compared. */
  readonly startTime: string;
}

/** The start time of a process; undefined if it is not running (or a zombie). */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  if (process.platform === 'linux') return linuxStartTime(pid);
  return startTimeInPs(await outputOf(['ps', '-o', 'stat=,lstart=', '-p', String(pid)]));
}

/** The start time in the output of ps, exactly as process.sh reads it: a day below 10 has two blanks before it. */
export function startTimeInPs(answer: string): string | undefined {
  const [, state, startTime] = /^\s*(\S+)\s+(.*?)\s*$/.exec(answer) ?? [];
  return state?.startsWith('Z') ? undefined : startTime;
}

function linuxStartTime(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === undefined) return undefined;
  // The name in field 2 may contain spaces and brackets: count the fields after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await startTimeOf(identity.pid)) === identity.startTime;
}

/** Sends a signal to exactly this process. Returns whether it was running. */
export async function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Ends exactly this process and its descendants with SIGTERM, and with SIGKILL after `graceMs`. */
export async function endProcessTree(identity: ProcessIdentity, graceMs: number): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!(await isAlive(identity))) return;
    await signalTree(identity, signal);
    await waitForEnd(identity, graceMs);
  }
}

async function signalTree(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<void> {
  // tree-kill crashes without ps, as in a small container; a keeper ends its ssh itself.
  if ((await outputOf(['ps', '-A', '-o', 'pid='])) === '') return void (await sendSignal(identity, signal));
  const { default: treeKill } = await import('tree-kill');
  await new Promise<void>((resolve) => treeKill(identity.pid, signal, () => resolve()));
}

/** Waits at most `timeoutMs` until the process has ended. Returns whether it has. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (!(await isAlive(identity))) return true;
    if (Date.now() > deadline) return false;
    // macOS sends no event when a process ends that is not our child.
    await pause(5);
  }
}

/** [[days-]hours:]minutes:seconds, or seconds alone. */
const ETIME = /^(?:(\d{1,5})-)?(\d{1,9}(?::\d\d){0,2})$/;

/** The seconds in an `etime` of ps; NaN for any other text, which a host may report. */
export function secondsOf(etime: string): number {
  const [, days = '0', clock] = ETIME.exec(etime.trim()) ?? [];
  if (clock === undefined) return Number.NaN;
  return Number(days) * 86_400 + clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}
