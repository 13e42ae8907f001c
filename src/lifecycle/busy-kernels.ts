import type { Api } from '../jupyter/api.ts';
import type { Kernel } from '../jupyter/kernel.ts';
import { isBusy, parseKernels, proveByKernels, withNotebooks } from '../jupyter/kernels.ts';
import type { Context } from '../system/context.ts';

/** How long a server may take to tell its kernels to one who means to stop it. */
const KERNELS_TIMEOUT_MS = 5000;

/** The kernels that compute just now. Undefined when the server cannot be asked: it is silent, or has no tunnel. */
export async function busyKernels(
  api: Api | undefined,
  { signal }: Context,
): Promise<readonly Kernel[] | undefined> {
  if (!api) return undefined;
  // Nobody asks for its version here.
  const proof = await proveByKernels(api, '', signal, KERNELS_TIMEOUT_MS);
  if (proof.state !== 'ours') return undefined;
  const busy = parseKernels(proof.body)?.filter(isBusy);
  return busy && withNotebooks(api, busy, signal, KERNELS_TIMEOUT_MS);
}
