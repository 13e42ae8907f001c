import { readdirSync, readFileSync } from 'node:fs';
import { attempt } from '../../src/system/errors.ts';

/** Facts about processes from /proc; empty on systems without it. */

/** The PIDs of all processes with this variable, `NAME=value`, in their environment, except zombies and this process. */
export function processesWith(word: string): number[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => pid !== process.pid && wordsIn(pid, 'environ').includes(word));
}

/** Whether the environment with which a process was started has this variable. */
export function hasVariable(pid: number, name: string): boolean {
  return wordsIn(pid, 'environ').some((word) => word.startsWith(`${name}=`));
}

/** The memory of a process in kB, with what it shares; 0 if it has ended. */
export function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s*(\d+)/m.exec(factOf(pid, 'status'))?.[1] ?? 0);
}

/** The command line of a process that has ended meanwhile. */
export const ENDED = 'ended meanwhile';

export function commandLineOf(pid: number): string {
  return wordsIn(pid, 'cmdline').join(' ').trim() || ENDED;
}

/** These processes without the relays of servers. */
export function withoutRelays(pids: readonly number[]): number[] {
  return pids.filter((pid) => !/relay\.py start /.test(commandLineOf(pid)));
}

function wordsIn(pid: number, file: 'environ' | 'cmdline'): string[] {
  return factOf(pid, file).split('\0');
}

/** A file of a process below /proc; empty if the process has ended, which any process may do after it was listed. */
export function factOf(pid: number, file: 'cmdline' | 'comm' | 'environ' | 'status'): string {
  return attempt(() => readFileSync(`/proc/${pid}/${file}`, 'utf8')) ?? '';
}

/** Number of files and sockets that a process has open. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The most memory that a process has had, in kB. */
export function peakMemory(pid: number): number {
  return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** The PIDs of its children and their children. */
export function descendantsOf(pid: number): number[] {
  const children = attempt(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')) ?? '';
  return children
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .flatMap((child) => [child, ...descendantsOf(child)]);
}
