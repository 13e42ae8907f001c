import { kernelLabel } from '../jupyter/kernels.ts';
import type { Kernel } from '../model/status.ts';

/** A line for a kernel: its notebook, its state, its last activity. */
export function kernelLine(kernel: Kernel, nowMs: number): string {
  return `${kernelLabel(kernel)}: ${kernel.state}, last active ${elapsed(kernel.lastActivity, nowMs)} ago`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const;

/** The time since then in the largest unit; `0 s` if the clock of the host is ahead. */
export function elapsed(isoTime: string, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(isoTime)) / 1000));
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ['s', 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}
