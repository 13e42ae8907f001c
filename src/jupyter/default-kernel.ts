import * as v from 'valibot';
import { installCommand, kernelCommand, parseEnvironment } from '../model/environment.ts';
import type { DefaultKernel } from '../model/status.ts';
import { oneLine } from '../system/one-line.ts';
import { type Api, askServer, readJson } from './api.ts';
import { untracked } from './kernels.ts';

/** Text from kernelspecs, which may contain any character. */
const text = v.pipe(v.string(), v.transform(oneLine));

/** The response to `GET /api/kernelspecs` of notebook 6 and of jupyter_server. */
const KernelspecsResponse = v.object({ default: text, kernelspecs: v.record(v.string(), v.unknown()) });

const Kernelspec = v.object({
  spec: v.object({ argv: v.pipe(v.array(text), v.minLength(1)), language: v.optional(text, '') }),
  /** Its folder, which Jupyter's API does not report. */
  resource_dir: v.optional(text),
});

/** Where a server runs: its Python, and the folder of its environment, if known. */
export interface Home {
  readonly python?: string | undefined;
  readonly prefix?: string | undefined;
}

/** The default kernel, with the folder of its kernelspec if known. */
export interface FoundKernel extends DefaultKernel {
  readonly folder: string | undefined;
}

/** Timeout for the server to list its kernelspecs. Extensions that search other environments may be slow. */
const TIMEOUT_MS = 3000;

/** Asks the server for the kernel that its pages use by default. Returns undefined without a valid response in time. */
export async function askDefaultKernel(
  api: Api,
  home: Home,
  signal: AbortSignal,
): Promise<DefaultKernel | undefined> {
  const response = await askServer(api, untracked('kernelspecs'), signal, TIMEOUT_MS).catch(() => undefined);
  const found = response?.status === 200 ? defaultKernelIn(response.body, home) : undefined;
  if (!found) return undefined;
  const { folder: _, ...kernel } = found;
  return kernel;
}

/** Reads the response to `GET /api/kernelspecs`. Returns undefined when it is not valid. */
export function defaultKernelIn(body: string, { python: own, prefix }: Home): FoundKernel | undefined {
  const response = readJson(body, KernelspecsResponse);
  if (!response) return undefined;
  const { default: name, kernelspecs } = response;
  const isWithin = (path: string | null) => (prefix && path ? path.startsWith(`${prefix}/`) : null);
  if (!Object.hasOwn(kernelspecs, name))
    return { name, installed: false, python: null, inEnvironment: isWithin('/'), folder: undefined };
  const kernelspec = v.safeParse(Kernelspec, kernelspecs[name]);
  if (!kernelspec.success) return undefined;
  const { spec, resource_dir: folder } = kernelspec.output;
  const python = pythonOf(spec.argv[0] ?? '', own);
  return { name, installed: true, python, inEnvironment: isWithin(python), folder };
}

/** For `python` and the like, Jupyter uses its own Python: see format_kernel_cmd of jupyter_client. */
function pythonOf(program: string, own: string | undefined): string | null {
  if (/^python(3(\.\d+)?)?$/.test(program)) return own ?? null;
  return /^\/.*\/(python|pypy)[\w.-]*$/.test(program) ? program : null;
}

/**
 * What is wrong with the default kernel, and the remedy. Undefined if nothing is.
 * @param environment as the user wrote it; empty if none was requested
 */
export function kernelProblem(
  { name, installed, python, inEnvironment }: DefaultKernel,
  environment: string,
  home: Home,
): { readonly found: string; readonly fix: string } | undefined {
  if (installed && inEnvironment !== false) return undefined;
  const { prefix } = home;
  const requested = environment || (prefix ?? '');
  const form = parseEnvironment(requested);
  // The system's Jupyter does not look for kernels in the environment.
  const isOutside = prefix !== undefined && home.python?.startsWith(`${prefix}/`) === false;
  return {
    found: installed
      ? `cells run in ${python}, outside the environment "${requested}"`
      : `Jupyter has no kernel "${name}" that could run cells`,
    fix: isOutside ? installCommand(form) : kernelCommand(form),
  };
}
