import { kernelLabel } from '../jupyter/kernels.ts';
import { elapsed } from '../model/elapsed.ts';
import type { Kernel, KernelDeaths } from '../model/status.ts';
import { oneLine } from '../system/one-line.ts';

/** A line for a kernel: its notebook, its state, its last activity. */
export function kernelLine(kernel: Kernel, nowMs: number): string {
  return `${kernelLabel(kernel)}: ${oneLine(kernel.state)}, last active ${elapsed(kernel.lastActivity, nowMs)} ago`;
}

/** A line for a kernel that died: how often, when, why, and what became of it. */
export function deathsLine(
  { id, count, lastAt, reason, restarted }: KernelDeaths,
  kernels: readonly Kernel[],
  nowMs: number,
): string {
  const kernel = kernels.find((kernel) => kernel.id === id);
  const label = kernel ? kernelLabel(kernel) : id === null ? 'a kernel' : `the kernel ${id.slice(0, 8)}`;
  const when = `${count === 1 ? '' : `${count} times, last `}${elapsed(lastAt, nowMs)} ago`;
  const why = reason ?? 'the reason is unknown';
  const then = restarted ? 'restarted without its variables' : 'not restarted again';
  return `${label} died ${when} (${why}); ${then}`;
}
