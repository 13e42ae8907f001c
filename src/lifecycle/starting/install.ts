import { type InstallOrder, installOnHost, unreachedIndexes } from '../../host/install/install.ts';
import type { OnHost } from '../../host/run-script.ts';
import { makeCommand, parseEnvironment } from '../../model/environment.ts';
import type { ServerSpec } from '../../model/server-spec.ts';
import { UsageError } from '../../system/errors.ts';
import { withIndexProxy } from '../../tunnel/index-proxy.ts';
import { admittedHosts } from './index-hosts.ts';

/**
 * Returns the order to install what is requested for a server; undefined for nothing.
 * @throws UsageError when its environment is not a venv, which is what we can make
 */
export function installOrder(
  { environment }: Pick<ServerSpec, 'environment'>,
  requested: boolean | InstallOrder = false,
): InstallOrder | undefined {
  if (requested === false) return undefined;
  const form = parseEnvironment(environment);
  if (form.kind === 'none' || form.kind === 'venv')
    return requested === true ? { requirements: false } : { ...requested };
  throw new UsageError(`--install makes a venv, and "${environment}" is not the folder of one`, {
    remedy: `Create it on the host: ${makeCommand(form)}`,
  });
}

/**
 * Makes the venv of a server on its host, or installs what is missing in it, over an open connection. A host that does not
 * reach its package index gets there through this machine.
 * @throws HostFailure; then nothing that was made is left
 */
export async function installJupyter(server: OnHost, order: InstallOrder): Promise<void> {
  const { connection, context } = server;
  context.report.phase('install');
  try {
    await installOnHost(server, order);
  } catch (failure) {
    const admitted = await admittedHosts(unreachedIndexes(failure), context.env);
    if (admitted.length === 0) throw failure;
    context.report.phaseFailed();
    const names = admitted.map(({ name }) => name).join(' and ');
    context.report.note(
      `${connection.destination} does not reach its package index: installing through this machine, which lets it connect to ${names} alone`,
    );
    context.report.phase('install');
    await withIndexProxy(connection, admitted, context, (proxy) => installOnHost(server, order, proxy));
  }
}
