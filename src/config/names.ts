import { existsSync, readFileSync } from 'node:fs';
import type { ServerSpec } from '../model/server-spec.ts';
import { SshFailure } from '../ssh/messages.ts';
import { nearest } from '../system/nearest.ts';
import { configurationFile, stateFile } from '../system/paths.ts';
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

/**
 * The servers on record, for who asks only in passing, at each Tab perhaps: without the schema that `readRecords`
 * holds the file to. A file that cannot be understood has none, and stays where it is.
 */
export function startedServers(env: NodeJS.ProcessEnv): { name: string; destination: string }[] {
  try {
    const { servers, article } = JSON.parse(readFileSync(stateFile(env), 'utf8'));
    const all: Record<string, { spec: { destination: unknown } }> = { ...servers, ...article };
    return Object.entries(all).map(([name, { spec }]) => ({ name, destination: String(spec.destination) }));
  } catch {
    return [];
  }
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
