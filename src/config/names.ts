import { existsSync, readFileSync } from 'node:fs';
import type { ServerSpec } from '../model/server-spec.ts';
import { SshFailure } from '../ssh/messages.ts';
import { attempt } from '../system/errors.ts';
import { nearest } from '../system/nearest.ts';
import { configurationFile, stateFile } from '../system/paths.ts';
import { type Configuration, readConfiguration } from './file.ts';

/** A name that a command accepts, and its description. */
export interface KnownName {
  readonly name: string;
  readonly about: string;
}

/** The servers in the state file and in config.yaml; a file that is not valid contributes none. */
export async function serverNames(env: NodeJS.ProcessEnv): Promise<KnownName[]> {
  const names = new Map<string, string>();
  for (const [name, { destination }] of Object.entries(await configuredServers(env)))
    names.set(name, `in config.yaml, on ${destination}`);
  for (const { name, destination } of startedServers(env)) names.set(name, `started on ${destination}`);
  return [...names].map(([name, about]) => ({ name, about }));
}

async function configuredServers(env: NodeJS.ProcessEnv): Promise<Configuration['servers']> {
  const file = configurationFile(env);
  if (!existsSync(file)) return {};
  return (await readConfiguration(file).catch(() => undefined))?.servers ?? {};
}

/** The servers in the state file, read without its schema, because Tab completion must be fast; none if it is not valid. */
export function startedServers(env: NodeJS.ProcessEnv): { name: string; destination: string }[] {
  const read = () => {
    const { servers, article } = JSON.parse(readFileSync(stateFile(env), 'utf8'));
    const all: Record<string, { spec: { destination: unknown } }> = { ...servers, ...article };
    return Object.entries(all).map(([name, { spec }]) => ({ name, destination: String(spec.destination) }));
  };
  return attempt(read) ?? [];
}

/** The aliases in an ssh_config (~/.ssh/config by default); none if it is not valid. */
export async function hostNames(sshConfig: string | undefined): Promise<KnownName[]> {
  const { knownHosts } = await import('../ssh/aliases.ts');
  const { aliases = [] } = attempt(() => knownHosts(sshConfig)) ?? {};
  return aliases.map((name) => ({ name, about: 'a Host of ssh_config' }));
}

/** If ssh does not know the host of a start, adds a similar name to the failure; else returns the failure unchanged. */
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
