import { existsSync, readFileSync } from 'node:fs';
import type { ServerSpec } from '../model/server-spec.ts';
import { SshFailure } from '../ssh/causes/messages.ts';
import { knownPartitions } from '../state/partitions.ts';
import { runNames as recordedRuns } from '../state/runs.ts';
import { attempt } from '../system/errors.ts';
import { nearest } from '../system/nearest.ts';
import { configurationFile, stateFile } from '../system/paths.ts';
import { readConfiguration } from './file.ts';
import type { Configuration } from './schema.ts';

/** A name that a command accepts, and its description. */
export interface KnownName {
  readonly name: string;
  readonly about: string;
}

/** The servers in the state file and in config.yaml; a file that is not valid contributes none. */
export async function serverNames(env: NodeJS.ProcessEnv): Promise<KnownName[]> {
  const names = new Map<string, string>();
  for (const [name, { destination }] of Object.entries((await configured(env))?.servers ?? {}))
    names.set(name, `in config.yaml, on ${destination}`);
  for (const { name, destination } of startedServers(env)) names.set(name, `started on ${destination}`);
  return [...names].map(([name, about]) => ({ name, about }));
}

async function configured(env: NodeJS.ProcessEnv): Promise<Configuration | undefined> {
  const file = configurationFile(env);
  return existsSync(file) ? readConfiguration(file).catch(() => undefined) : undefined;
}

/** The sets of job options in config.yaml; none if it is not valid. */
export async function jobNames(env: NodeJS.ProcessEnv): Promise<KnownName[]> {
  const { jobs = {} } = (await configured(env)) ?? {};
  return Object.keys(jobs).map((name) => ({ name, about: 'a job in config.yaml' }));
}

/** The partitions that clusters have listed when they were last looked at, and those in config.yaml. */
export async function partitionNames(env: NodeJS.ProcessEnv): Promise<KnownName[]> {
  const { jobs = {}, servers = {} } = (await configured(env)) ?? {};
  const names = new Map<string, string>();
  for (const { partition } of [...Object.values(jobs), ...Object.values(servers)])
    if (partition !== undefined) names.set(partition, 'in config.yaml');
  for (const [destination, listed] of Object.entries(knownPartitions(env)))
    for (const name of [listed].flat()) names.set(String(name), `on ${destination}`);
  return [...names].map(([name, about]) => ({ name, about }));
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

/** The runs that this machine has started or seen. */
export function runNames(env: NodeJS.ProcessEnv): KnownName[] {
  return recordedRuns(env).map(({ name, destination }) => ({ name, about: `a run on ${destination}` }));
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
  return new SshFailure(reason, message, { step: failure.step, remedy: `Did you mean ${near}? ${remedy}` });
}
