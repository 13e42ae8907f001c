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
 * Proves by its kernels that the server is ours: two requests at the same time. Neither counts as activity of the
 * user, so that whoever looks keeps no idle server up. Without kernels when it does not tell them as Jupyter does.
 */
export async function proveWithKernels(
  api: Api,
  knownVersion: string | undefined,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<{ proof: Proof; kernels: Kernel[] | undefined }> {
  const [proof, sessions] = await Promise.all([
    proveServer(api, knownVersion, signal, timeoutMs, quietly('kernels')),
    askApi(api, 'GET', quietly('sessions'), signal, timeoutMs).catch(() => undefined),
  ]);
  return {
    proof,
    kernels: proof.state === 'ours' ? parseKernels(proof.body, sessions?.body ?? '') : undefined,
  };
}

/** Reads both answers of the API. Undefined when they are not what a Jupyter says. */
export function parseKernels(kernels: string, sessions: string): Kernel[] | undefined {
  const known = v.safeParse(KernelsAnswer, parseJson(kernels));
  if (!known.success) return undefined;
  const open = v.safeParse(SessionsAnswer, parseJson(sessions));
  const paths = new Map(open.success ? open.output.map(({ path, kernel }) => [kernel?.id, path]) : []);
  return known.output.map(({ id, name, execution_state, last_activity }) => ({
    id,
    notebook: paths.get(id) ?? null,
    name,
    state: execution_state,
    lastActivity: last_activity,
  }));
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
