import { existsSync } from 'node:fs';
import type { ServerSpec } from '../model/server-spec.ts';
import { SshFailure } from '../ssh/messages.ts';
import { startedServers } from '../state/started.ts';
import { nearest } from '../system/nearest.ts';
import { configurationFile } from '../system/paths.ts';
import type { Configuration } from './file.ts';

/** A name that means something here, and what. */
export interface KnownName {
  readonly name: string;
  readonly about: string;
}

/** The servers that this machine has started or that config.yaml names; broken files name none. */
export async function serverNames(env: NodeJS.ProcessEnv): Promise<KnownName[]> {
  const started = startedServers(env).map(({ name, destination }) => ({
    name,
    about: `started on ${destination}`,
  }));
  const configured = Object.entries(await configuredServers(env)).map(([name, { destination }]) => ({
    name,
    about: `in config.yaml, on ${destination}`,
  }));
  return [...started, ...configured.filter(({ name }) => started.every((known) => known.name !== name))];
}

async function configuredServers(env: NodeJS.ProcessEnv): Promise<Configuration['servers']> {
  const file = configurationFile(env);
  if (!existsSync(file)) return {};
  const { readConfiguration } = await import('./file.ts');
  return readConfiguration(file).then(
    ({ servers }) => servers,
    () => ({}),
  );
}

/** The aliases of an ssh_config, the user's own without a file; a broken one has none. */
export async function hostNames(sshConfig: string | undefined): Promise<KnownName[]> {
  const { knownHosts } = await import('../ssh/aliases.ts');
  try {
    const { aliases } = knownHosts(sshConfig);
    return aliases.map((name) => ({ name, about: 'a Host of ssh_config' }));
  } catch {
    return [];
  }
}

/** Says what was probably meant, where ssh does not know the host that a start has named; else the failure as it is. */
export async function withNearestName(
  failure: unknown,
  { destination, sshConfig }: ServerSpec,
  env: NodeJS.ProcessEnv,
): Promise<unknown> {
  if (!(failure instanceof SshFailure) || failure.reason !== 'unknown-host') return failure;
  const names = [...(await serverNames(env)), ...(await hostNames(sshConfig))].map(({ name }) => name);
  const near = names.includes(destination) ? undefined : nearest(destination.replace(/^.*@/, ''), names);
  if (near === undefined) return failure;
  const { reason, message, remedy = '' } = failure;
  return new SshFailure(reason, message, { remedy: `Did you mean ${near}? ${remedy}` });
}
