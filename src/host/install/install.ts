import type { ServerSpec } from '../../model/server-spec.ts';
import { scriptVariables } from '../../model/settings.ts';
import { HostFailure } from '../failures.ts';
import { askHost, type OnHost } from '../run-script.ts';
import type { Script } from '../script.ts';
import { isOffline } from './failures.ts';

/** What to install with JupyterLab and ipykernel. */
export interface InstallOrder {
  /** Whether to install what requirements.txt, or else pyproject.toml, in the directory names. */
  readonly requirements: boolean;
  /** Set when something was installed, which stays even if a later step fails. */
  isDone?: boolean;
}

/**
 * The script that makes the venv of a server, or installs what is missing in it.
 * @param proxy the URL of an HTTP proxy that leads from the host to the package index; empty: none is needed
 */
export function installScript(spec: ServerSpec, { requirements }: InstallOrder, proxy = ''): Script {
  const variables = { ...scriptVariables(spec), requirements: requirements ? 'yes' : '', proxy };
  return { name: 'jupyter/install', variables };
}

/**
 * Installs JupyterLab and ipykernel on the host, unless they are there, and reports what pip or uv prints.
 * @throws HostFailure; then what was made is removed
 */
export async function installOnHost(server: OnHost, order: InstallOrder, proxy?: string): Promise<void> {
  const { report } = server.context;
  await askHost(server, installScript(server.spec, order, proxy), ({ key, value }) => {
    if (key === 'progress') report.progress(value);
    if (key === 'note') report.note(value);
    if (key !== 'installed') return;
    order.isDone = true;
    report.note(`installed ${value.trim()}`);
  });
}

/** Where the pip of a host gets its packages, as URLs, if an installation failed because the host does not reach them. */
export function unreachedIndexes(failure: unknown): string[] {
  if (!(failure instanceof HostFailure) || failure.reason !== 'install') return [];
  const { log = [], where = '' } = failure.report;
  return isOffline(log) ? where.split(' ') : [];
}
