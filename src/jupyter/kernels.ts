import * as v from 'valibot';
import type { Kernel } from '../model/status.ts';
import { oneLine } from '../system/one-line.ts';
import { type Api, askServer, proveServer, readJson } from './api.ts';

/** Text from kernels and users, which may contain any character. */
const text = v.string();

/** The response to `GET /api/kernels` of notebook 6 and of jupyter_server. */
const KernelsResponse = v.array(
  v.object({
    id: text,
    name: text,
    execution_state: text,
    last_activity: v.pipe(text, v.isoTimestamp()),
  }),
);

/** What is needed of the response to `GET /api/sessions`. */
const SessionsResponse = v.array(v.object({ path: text, kernel: v.nullish(v.object({ id: text })) }));

/** The path of a resource of the API. Jupyter does not count its request as activity: looking keeps no idle server running. */
export const untracked = (resource: string) => `api/${resource}?no_track_activity=1`;

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
  const sessions = await askServer(api, untracked('sessions'), signal, timeoutMs).catch(() => undefined);
  return { version, roundTripMs, kernels: nameNotebooks(kernels, sessions?.body ?? '') };
}

/** Reads the response to `GET /api/kernels`. Returns undefined when it is not valid. */
export function parseKernels(body: string): Kernel[] | undefined {
  return readJson(body, KernelsResponse)?.map(({ execution_state, last_activity, ...kernel }) => {
    return { ...kernel, notebook: null, state: execution_state, lastActivity: last_activity };
  });
}

/** Adds the notebooks from the response to `GET /api/sessions`, if it is valid. */
export function nameNotebooks(kernels: readonly Kernel[], body: string): Kernel[] {
  const sessions = readJson(body, SessionsResponse) ?? [];
  const paths = new Map(sessions.map(({ path, kernel }) => [kernel?.id, path]));
  return kernels.map((kernel) => ({ ...kernel, notebook: paths.get(kernel.id) ?? null }));
}

/** How users recognize a kernel. */
export function kernelLabel({ notebook, name, id }: Kernel): string {
  return oneLine(notebook ?? `a ${name} kernel without a notebook (${id.slice(0, 8)})`);
}

export function isBusy({ state }: Kernel): boolean {
  return state === 'busy';
}
