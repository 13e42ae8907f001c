import type { Api } from '../jupyter/api.ts';
import type { Kernel } from '../jupyter/kernel.ts';
import { isBusy, proveWithKernels } from '../jupyter/kernels.ts';
import type { Context } from '../system/context.ts';

export type { Kernel } from '../jupyter/kernel.ts';
export { kernelLabel } from '../jupyter/kernels.ts';

/** How long a server may take to tell its kernels to one who means to stop it. */
const KERNELS_TIMEOUT_MS = 5000;

/** The kernels that compute just now. Undefined when the server cannot be asked: it is silent, or has no tunnel. */
export async function busyKernels(api: Api | undefined, { signal }: Context): Promise<Kernel[] | undefined> {
  if (!api) return undefined;
  // Nobody asks for its version here.
  const { kernels } = await proveWithKernels(api, '', signal, KERNELS_TIMEOUT_MS);
  return kernels?.filter(isBusy);
}
