import { kernelLabel } from '../jupyter/kernels.ts';
import type { MayEnd } from '../lifecycle/stop.ts';
import { kernelLine } from '../screen/kernel-lines.ts';
import type { Terminal } from '../screen/terminal.ts';
import { Failure } from '../system/errors.ts';

/** Names the kernels that compute, and asks. Without a terminal to ask on they are a Failure. */
export function mayEnd(terminal: Terminal): MayEnd {
  return async ({ name }, busy) => {
    if (!terminal.canAsk) {
      throw new Failure(`"${name}" is busy: ${busy.map(kernelLabel).join(', ')}`, {
        remedy: 'Wait for it, or end it all the same with --yes.',
      });
    }
    const lines = busy.map((kernel) => `  ${kernelLine(kernel, Date.now())}`);
    terminal.show(
      `${terminal.style.bold(name)} is busy, and what it computes would be lost:\n${lines.join('\n')}`,
    );
    return terminal.confirm('End it?');
  };
}
