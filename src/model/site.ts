import type { LauncherName } from './setting-values.ts';

/** A partition or queue that a scheduler lists for this user. */
export interface Partition {
  readonly name: string;
  readonly isDefault: boolean;
  /** Whether it starts jobs at the moment. */
  readonly isOpen: boolean;
  /** The longest time of a job, in seconds; null without a limit. */
  readonly maxTimeS: number | null;
  /** How many of its units are free, and how many there are. */
  readonly free: number;
  readonly total: number;
  /** In what it counts: nodes, or slots, which are CPUs. */
  readonly unit: 'nodes' | 'slots';
  /** What a node has, for people: `64 CPUs`, `512 GB`, `gpu:a100:4`. */
  readonly node: readonly string[];
}

/** A batch scheduler that a host has. */
export interface Site {
  readonly launcher: Exclude<LauncherName, 'direct'>;
  /** Its name for people. */
  readonly title: string;
  readonly partitions: readonly Partition[];
  /** Whether it can run a further command in a job, which reaches the node of the job. */
  readonly hasSteps: boolean;
  /** What it printed instead of its partitions. */
  readonly trouble: string | undefined;
}

/** A partition for people: `up to 7 d, 3 of 12 nodes free, 64 CPUs, 512 GB`. */
export function partitionText({ isOpen, maxTimeS, free, total, unit, node }: Partition): string {
  const limit = maxTimeS === null ? 'no time limit' : `up to ${timeText(maxTimeS)}`;
  const room = isOpen ? `${free} of ${total} ${unit} free` : 'closed at the moment';
  return [limit, room, ...node].join(', ');
}

/** A duration for people, in at most two units. */
export function timeText(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  const parts = [
    [Math.floor(minutes / 1440), 'd'],
    [Math.floor((minutes % 1440) / 60), 'h'],
    [minutes % 60, 'min'],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).slice(0, 2);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(' ') || '0 min';
}
