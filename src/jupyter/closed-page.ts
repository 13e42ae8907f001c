import * as v from 'valibot';
import type { DefaultKernel } from '../model/status.ts';
import { type Api, askPage, readJson } from './api.ts';
import { askDefaultKernel, type Home } from './default-kernel.ts';

/** The configuration that JupyterLab 4 and Notebook 7 write into their pages. */
const CONFIG = /<script id="jupyter-config-data" type="application\/json">(.*?)<\/script>/s;

const PageConfig = v.object({
  federated_extensions: v.array(v.object({ name: v.string() })),
  /** Only jupyter-server-ydoc sets it, which writes the output to the notebook. True where the user has disabled that. */
  disableRTC: v.optional(v.boolean()),
});

/** What runs the cells of a page on the server, and what shows its notebook as the server has it. */
const EXTENSIONS = ['@datalayer/jupyter-server-nbmodel', '@jupyter/docprovider-extension'];

/**
 * Asks whether the server keeps what a cell prints while no page is open, as `jupyter-server-nbmodel[lab]` does (tried with
 * 0.2.9). Its page tells it: the paths of the extensions would leave a warning in Jupyter's log where they are missing.
 * Returns undefined without a page in time.
 */
export async function askKeepsOutput(
  api: Api,
  signal: AbortSignal,
  timeoutMs?: number,
): Promise<boolean | undefined> {
  const page = await askPage(api, signal, timeoutMs);
  return page === undefined ? undefined : keepsOutputIn(page);
}

/** What `start` shows of the cells of a server. */
export interface Cells {
  readonly kernel: DefaultKernel;
  readonly keepsOutput: boolean | undefined;
}

/** Asks for both at the same time. Returns undefined without a valid response in time. */
export async function askAboutCells(api: Api, home: Home, signal: AbortSignal): Promise<Cells | undefined> {
  const [kernel, keepsOutput] = await Promise.all([
    askDefaultKernel(api, home, signal),
    askKeepsOutput(api, signal),
  ]);
  return kernel && { kernel, keepsOutput };
}

/** Reads it from a page of the server. False for the pages of notebook 6. */
export function keepsOutputIn(page: string): boolean {
  const config = readJson(CONFIG.exec(page)?.[1] ?? '', PageConfig);
  const names = config?.federated_extensions.map(({ name }) => name);
  return config?.disableRTC === false && EXTENSIONS.every((name) => names?.includes(name));
}

/** A sentence about a server that keeps it. @param adopted whether another program started the server */
export function describeKept(adopted: boolean): string {
  const time = adopted ? ', for as long as the configuration of Jupyter allows (by default 60 s)' : '';
  return `What cells print is kept while no page is open${time}.`;
}
