import { kernelLabel } from '../jupyter/kernels.ts';
import type { Kernel } from '../model/status.ts';

/** A kernel for people: its notebook, what it does, and since when. */
export function kernelLine(kernel: Kernel, nowMs: number): string {
  return `${kernelLabel(kernel)}: ${kernel.state}, last active ${elapsed(kernel.lastActivity, nowMs)} ago`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const;

/** How long ago that was, in its largest unit. A host whose clock is ahead says `0 s`. */
export function elapsed(isoTime: string, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(isoTime)) / 1000));
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ['s', 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}
