import type { Kernel } from '../jupyter/kernel.ts';
import { isBusy, proveWithKernels } from '../jupyter/kernels.ts';
import type { Context } from '../system/context.ts';
import { apiOf } from './prove.ts';
import type { NotebookRecord } from './state.ts';
import { connectionOf, isForwardUp } from './tunnel.ts';

export type { Kernel } from '../jupyter/kernel.ts';
export { kernelLabel } from '../jupyter/kernels.ts';

/** How long a server may take to tell its kernels to one who means to stop it. */
const KERNELS_TIMEOUT_MS = 5000;

/** The kernels that compute just now. Undefined when the server cannot be asked: it is silent, or has no tunnel. */
export async function busyKernels(
  { notebook, server, forwards }: NotebookRecord,
  context: Context,
): Promise<Kernel[] | undefined> {
  const [forward] = forwards;
  if (!server || !forward || !(await isForwardUp(connectionOf(notebook, context.env), forward)))
    return undefined;
  const api = apiOf(server, forward);
  const { kernels } = await proveWithKernels(api, server.version ?? '', context.signal, KERNELS_TIMEOUT_MS);
  return kernels?.filter(isBusy);
}
