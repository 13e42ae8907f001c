import { readFileSync } from 'node:fs';
import { outputOf } from './run.ts';

/** A process that can be told from a later one with the same PID. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat where there is one, else what `ps -o lstart=` prints. Compared, never read. */
  readonly startTime: string;
}

/** When the process with this PID started, or undefined if there is none (a zombie counts as none). */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  if (process.platform === 'linux') return linuxStartTime(pid);
  return startTimeInPs(await outputOf(['ps', '-o', 'stat=,lstart=', '-p', String(pid)]));
}

/** The time in such an answer of ps, letter by letter as process.sh reads it: a day below 10 has two blanks before it. */
export function startTimeInPs(answer: string): string | undefined {
  const [, state, startTime] = /^\s*(\S+)\s+(.*?)\s*$/.exec(answer) ?? [];
  return state?.startsWith('Z') ? undefined : startTime;
}

function linuxStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in field 2 may hold spaces and brackets: fields are counted from behind its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await startTimeOf(identity.pid)) === identity.startTime;
}

/** Sends a signal to this very process. Answers whether it was there. */
export async function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * Ends this very process with everything below it: TERM, and KILL for what is still there after `graceMs`.
 * A process that is gone already is no failure.
 */
export async function endProcessTree(identity: ProcessIdentity, graceMs: number): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!(await isAlive(identity))) return;
    await signalTree(identity, signal);
    await waitForEnd(identity, graceMs);
  }
}

async function signalTree(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<void> {
  // tree-kill crashes where ps is missing, as in a small container; a keeper ends its ssh by itself.
  if ((await outputOf(['ps', '-A', '-o', 'pid='])) === '') {
    await sendSignal(identity, signal);
    return;
  }
  const { default: treeKill } = await import('tree-kill');
  await new Promise<void>((resolve) => treeKill(identity.pid, signal, () => resolve()));
}

/** Waits until the process is gone, at the most `timeoutMs`. Answers whether it is. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (!(await isAlive(identity))) return true;
    if (Date.now() > deadline) return false;
    // The end of a process that is no child of ours is no event on macOS, so it is looked for.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The seconds of an `etime`, as ps tells it: [[days-]hours:]minutes:seconds. */
export function secondsOf(etime: string): number {
  const [days, clock] = etime.includes('-') ? etime.split('-') : ['0', etime];
  const seconds = (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return Number(days) * 86_400 + seconds;
}
