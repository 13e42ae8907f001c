import * as v from 'valibot';
import { type Api, askApi, type Proof, proveServer } from './api.ts';
import type { Kernel } from './kernel.ts';

/** What a kernel and its users named: any text, yet nothing of it may move in a terminal or break a line. */
const words = v.pipe(
  v.string(),
  v.transform((text) => text.replace(/\p{Cc}/gu, '\ufffd')),
);

/** `GET /api/kernels`; notebook 6 and jupyter_server agree on these. */
const KernelsAnswer = v.array(
  v.object({
    id: words,
    name: words,
    execution_state: words,
    last_activity: v.pipe(words, v.isoTimestamp()),
  }),
);

/** `GET /api/sessions`, of which just the path of its notebook is needed here. */
const SessionsAnswer = v.array(v.object({ path: words, kernel: v.nullish(v.object({ id: words })) }));

const quietly = (path: string) => `${path}?no_track_activity=1`;

/**
 * Proves by its kernels that the server is ours. This is no activity of the user: whoever looks keeps no idle server up.
 * @returns the proof; its body is for `parseKernels`
 */
export function proveByKernels(
  api: Api,
  knownVersion: string | undefined,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Proof> {
  return proveServer(api, knownVersion, signal, timeoutMs, quietly('kernels'));
}

/** The same kernels with the notebooks that they belong to: another question, unless there are none. */
export async function withNotebooks(
  api: Api,
  kernels: readonly Kernel[],
  signal: AbortSignal,
  timeoutMs: number,
): Promise<readonly Kernel[]> {
  if (kernels.length === 0) return kernels;
  const sessions = await askApi(api, 'GET', quietly('sessions'), signal, timeoutMs).catch(() => undefined);
  return nameNotebooks(kernels, sessions?.body ?? '');
}

/** Reads the answer to `GET /api/kernels`. Undefined when it is not what a Jupyter says. */
export function parseKernels(answer: string): Kernel[] | undefined {
  const known = v.safeParse(KernelsAnswer, parseJson(answer));
  if (!known.success) return undefined;
  return known.output.map(({ id, name, execution_state, last_activity }) => ({
    id,
    notebook: null,
    name,
    state: execution_state,
    lastActivity: last_activity,
  }));
}

/** Puts in the notebooks that the answer to `GET /api/sessions` names, as far as it can be read. */
export function nameNotebooks(kernels: readonly Kernel[], answer: string): Kernel[] {
  const open = v.safeParse(SessionsAnswer, parseJson(answer));
  const paths = new Map(open.success ? open.output.map(({ path, kernel }) => [kernel?.id, path]) : []);
  return kernels.map((kernel) => ({ ...kernel, notebook: paths.get(kernel.id) ?? null }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What people know a kernel by. */
export function kernelLabel({ notebook, name, id }: Kernel): string {
  return notebook ?? `a ${name} kernel without a notebook (${id.slice(0, 8)})`;
}

export function isBusy({ state }: Kernel): boolean {
  return state === 'busy';
}
