import { secondsOf } from '../system/elapsed.ts';

/** One row of `ps -o pid=,ppid=,etime=,args=`. */
interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly ageS: number;
  readonly args: string;
}

/**
 * The commands that were started on a port at most so many seconds ago, as `ps` on the host tells: each with its
 * PIDs, the login shell's that ran it first. A start of this machine's is one of them; with two, nobody knows which.
 */
export function launchedOn(port: number, maxAgeS: number, ps: string): number[][] {
  const rows = ps.split('\n').flatMap(parseRow);
  const ours = rows.filter(
    ({ args, ageS }) => args.endsWith(` --no-browser --port=${port}`) && ageS <= maxAgeS,
  );
  const withChildren = (row: Row): number[] => [
    row.pid,
    ...ours.filter(({ parent }) => parent === row.pid).flatMap(withChildren),
  ];
  return ours.filter(({ parent }) => !ours.some(({ pid }) => pid === parent)).map(withChildren);
}

function parseRow(line: string): Row[] {
  const [, pid, parent, age, args] = /^\s*(\d+)\s+(\d+)\s+([\d:-]+)\s+(.*)$/.exec(line) ?? [];
  if (age === undefined || args === undefined) return [];
  return [{ pid: Number(pid), parent: Number(parent), ageS: secondsOf(age), args }];
}
