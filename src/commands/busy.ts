import { kernelLabel } from '../jupyter/kernels.ts';
import type { MayEnd } from '../lifecycle/stop.ts';
import { kernelLine } from '../screen/kernel-lines.ts';
import type { Terminal } from '../screen/terminal.ts';
import { Failure } from '../system/errors.ts';

/** Shows the kernels that are running code, and asks. Throws a Failure without a terminal to ask on. */
export function mayEnd(terminal: Terminal): MayEnd {
  return async ({ name }, busy) => {
    if (!terminal.canAsk) {
      throw new Failure(`"${name}" is still running code: ${busy.map(kernelLabel).join(', ')}`, {
        remedy: 'Wait until it has finished, or stop it anyway with --yes.',
      });
    }
    const lines = busy.map((kernel) => `\n  ${kernelLine(kernel, Date.now())}`).join('');
    terminal.show(`${terminal.style.bold(name)} is still running code; stopping it loses that work.${lines}`);
    return terminal.confirm('Stop anyway?');
  };
}
