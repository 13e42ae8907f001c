import { readdirSync, readFileSync } from 'node:fs';

/** What /proc tells of processes; nothing where there is none. */

/** The PIDs of all processes that have this word, `NAME=value`, in their environment; zombies and this process aside. */
export function processesWith(word: string): number[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => pid !== process.pid && wordsIn(pid, 'environ').includes(word));
}

export function commandLineOf(pid: number): string {
  return wordsIn(pid, 'cmdline').join(' ').trim() || 'ended meanwhile';
}

function wordsIn(pid: number, file: 'environ' | 'cmdline'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
