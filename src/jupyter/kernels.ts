import * as v from 'valibot';
import type { Kernel } from '../model/status.ts';
import { type Api, askApi, proveServer } from './api.ts';

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

/** What a server that is ours tells of itself when it is asked for its kernels. */
export interface KernelsFound {
  readonly version: string | undefined;
  /** From the request to its answer. */
  readonly roundTripMs: number;
  /** Undefined when it does not tell them as a Jupyter does. */
  readonly kernels: readonly Kernel[] | undefined;
}

/**
 * Asks for kernels, which proves as well that the server is ours, and for their notebooks unless there are none. This is
 * no activity of the user: whoever looks keeps no idle server up.
 * @param isMeant which of them are asked for
 * @returns undefined when no server of ours answers
 */
export async function askKernels(
  api: Api,
  knownVersion: string | undefined,
  signal: AbortSignal,
  timeoutMs: number,
  isMeant: (kernel: Kernel) => boolean = () => true,
): Promise<KernelsFound | undefined> {
  const asked = performance.now();
  const proof = await proveServer(api, knownVersion, signal, timeoutMs, quietly('kernels'));
  const roundTripMs = Math.round(performance.now() - asked);
  if (proof.state !== 'ours') return undefined;
  const { version, body } = proof;
  const kernels = parseKernels(body)?.filter(isMeant);
  if (!kernels?.length) return { version, roundTripMs, kernels };
  const sessions = await askApi(api, 'GET', quietly('sessions'), signal, timeoutMs).catch(() => undefined);
  return { version, roundTripMs, kernels: nameNotebooks(kernels, sessions?.body ?? '') };
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
