import * as v from 'valibot';
import type { Kernel } from '../model/status.ts';
import { type Api, askApi, proveServer } from './api.ts';

/** Text from kernels and users; control characters could change the terminal or break the line. */
const text = v.pipe(
  v.string(),
  v.transform((text) => text.replace(/\p{Cc}/gu, '\ufffd')),
);

/** The response to `GET /api/kernels` of notebook 6 and of jupyter_server. */
const KernelsResponse = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(
    v.object({
      id: text,
      name: text,
      execution_state: text,
      last_activity: v.pipe(text, v.isoTimestamp()),
    }),
  ),
);

/** What is needed of the response to `GET /api/sessions`. */
const SessionsResponse = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(v.object({ path: text, kernel: v.nullish(v.object({ id: text })) })),
);

/** A request that Jupyter does not count as activity, so that looking keeps no idle server running. */
const untracked = (path: string) => `${path}?no_track_activity=1`;

export interface KernelsFound {
  readonly version: string | undefined;
  readonly roundTripMs: number;
  /** Undefined when the response is not valid. */
  readonly kernels: readonly Kernel[] | undefined;
}

/**
 * Asks for the kernels, which also proves that the server is ours, and for their notebooks if there are kernels.
 * @param isRequested selects kernels
 * @returns undefined when the server does not respond or is not ours
 */
export async function askKernels(
  api: Api,
  knownVersion: string | undefined,
  signal: AbortSignal,
  timeoutMs: number,
  isRequested: (kernel: Kernel) => boolean = () => true,
): Promise<KernelsFound | undefined> {
  const startMs = performance.now();
  const proof = await proveServer(api, knownVersion, signal, timeoutMs, untracked('kernels'));
  const roundTripMs = Math.round(performance.now() - startMs);
  if (proof.state !== 'ours') return undefined;
  const { version, body } = proof;
  const kernels = parseKernels(body)?.filter(isRequested);
  if (!kernels?.length) return { version, roundTripMs, kernels };
  const sessions = await askApi(api, 'GET', untracked('sessions'), signal, timeoutMs).catch(() => undefined);
  return { version, roundTripMs, kernels: nameNotebooks(kernels, sessions?.body ?? '') };
}

/** Reads the response to `GET /api/kernels`. Returns undefined when it is not valid. */
export function parseKernels(body: string): Kernel[] | undefined {
  const response = v.safeParse(KernelsResponse, body);
  if (!response.success) return undefined;
  return response.output.map(({ id, name, execution_state: state, last_activity: lastActivity }) => {
    return { id, notebook: null, name, state, lastActivity };
  });
}

/** Adds the notebooks from the response to `GET /api/sessions`, if it is valid. */
export function nameNotebooks(kernels: readonly Kernel[], body: string): Kernel[] {
  const response = v.safeParse(SessionsResponse, body);
  const paths = new Map(
    response.success ? response.output.map(({ path, kernel }) => [kernel?.id, path]) : [],
  );
  return kernels.map((kernel) => ({ ...kernel, notebook: paths.get(kernel.id) ?? null }));
}

/** How users recognize a kernel. */
export function kernelLabel({ notebook, name, id }: Kernel): string {
  return notebook ?? `a ${name} kernel without a notebook (${id.slice(0, 8)})`;
}

export function isBusy({ state }: Kernel): boolean {
  return state === 'busy';
}
