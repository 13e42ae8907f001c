import {
  defaultName,
  type GivenSettings,
  makeSpec,
  type ServerEntry,
  type ServerSpec,
} from '../model/server-spec.ts';
import { JOB_SETTING_NAMES, settingsIn } from '../model/settings.ts';
import { verifySshConfig, verifyStoredSshConfig } from '../ssh/config-file.ts';
import { verifyNoPassword } from '../ssh/destination.ts';
import { lookUp } from '../ssh/resolve.ts';
import { type Named, readState, type ServerRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { nearest } from '../system/nearest.ts';
import { configurationFile } from '../system/paths.ts';
import { readConfiguration } from './file.ts';
import { runNames } from './names.ts';
import { jobNamed } from './schema.ts';

const HOW_TO_SEE_RUNS = 'To see the runs of a host: remote-notebook runs HOST';

/** A server with a name, and its record if this machine has started or adopted it. */
export interface KnownServer {
  readonly spec: ServerSpec;
  readonly record: ServerRecord | undefined;
}

const HOW_TO_BEGIN =
  'To set up a server: remote-notebook init. Or: remote-notebook start user@host --directory DIR --environment VENV';

/** The servers in config.yaml and on record. */
async function readKnown(sshConfig: string | undefined, context: Context) {
  verifySshConfig(sshConfig);
  const {
    default: byDefault,
    jobs,
    servers: configured,
  } = await readConfiguration(configurationFile(context.env));
  const { servers, article, stopped } = readState(context);
  const records: Named<Pick<ServerRecord, 'spec' | 'closed'>> = { ...article, ...servers };
  const names = [...new Set([...Object.keys(records), ...Object.keys(configured)])].sort();
  return { jobs, configured, servers, records, stopped, names, byDefault: byDefault ?? only(names) };
}

/**
 * The server to start: `target` is a name in config.yaml or on record, or else a destination; without it, the default
 * or the only one. The given settings override the stored ones. A given job replaces the stored settings of a job.
 * @throws UsageError when there is no such server, or a setting is not valid
 */
export async function resolveServer(
  target: string | undefined,
  { name, job, ...given }: GivenSettings,
  context: Context,
): Promise<ServerSpec> {
  const { jobs, configured, records, names, byDefault } = await readKnown(given.sshConfig, context);
  const named = target ?? byDefault;
  if (named === undefined) throw notNamed(names, 'no server is named, and none is configured');
  const entry = entryOf(configured, named);
  const known = entryOf(records, named)?.spec;
  const own = settingsIn(given);
  const settings = job === undefined ? own : { ...jobNamed(job, jobs, `"${job}"`), ...own };
  const found = entry ? { sshConfig: known?.sshConfig, ...entry } : known;
  const stored = found && job !== undefined ? withoutJob(found) : found;
  verifyStoredSshConfig(settings.sshConfig ?? stored?.sshConfig);
  if (stored) return makeSpec(name ?? named, { ...stored, ...settings });
  return makeSpec(name ?? defaultName(named), { ...settings, destination: named });
}

/** The settings but those of a job; which scheduler its host has does not change. */
function withoutJob(entry: ServerEntry): ServerEntry {
  const ofJob = JOB_SETTING_NAMES.filter((name) => name !== 'launcher');
  return { ...entry, ...Object.fromEntries(ofJob.map((name) => [name, undefined])) };
}

/** The meaning of a name; `server` is undefined if the name is missing or unknown. */
interface Meaning {
  /** The given name, or that of the server to use without one. */
  readonly name: string | undefined;
  readonly server: KnownServer | undefined;
  /** The servers of this machine on the destination with this name. */
  readonly onIt: readonly string[];
  /** The names of all servers. */
  readonly names: readonly string[];
  readonly stopped: Named<ServerSpec>;
}

async function meaningOf(
  target: string | undefined,
  sshConfig: string | undefined,
  context: Context,
): Promise<Meaning> {
  const { configured, servers, records, stopped, names, byDefault } = await readKnown(sshConfig, context);
  const started = Object.keys(records);
  const name = target ?? only(started.filter((name) => !records[name]?.closed)) ?? only(started) ?? byDefault;
  if (name === undefined) return { name, server: undefined, onIt: [], names, stopped };
  const onIt = Object.values(records).filter(({ spec }) => spec.destination === name);
  const record = entryOf(records, name) ?? only(onIt);
  const entry = entryOf(configured, name);
  const spec =
    record?.spec ??
    (entry &&
      makeSpec(name, { sshConfig: stopped[name]?.sshConfig, ...entry, ...settingsIn({ sshConfig }) }));
  verifyStoredSshConfig(spec?.sshConfig);
  const server = spec && { spec, record: record && servers[record.spec.name] };
  return { name, server, onIt: onIt.map(({ spec }) => spec.name), names, stopped };
}

/**
 * The server with that name, or the only one on that destination; without a name the only one that was started, the
 * default, or the only one.
 * @param orRun whether the user could have named a run instead, as far as its message is concerned
 * @throws UsageError with the names of the existing servers
 */
export async function knownServer(
  target: string | undefined,
  sshConfig: string | undefined,
  context: Context,
  orRun = false,
): Promise<KnownServer> {
  const { name, server, names } = await meaningOf(target, sshConfig, context);
  if (server) return server;
  if (name === undefined) throw notNamed(names, 'there is no server yet');
  verifyNoPassword(name);
  const runs = orRun ? runNames(context.env).map((run) => run.name) : [];
  const near = nearest(name, [...names, ...runs]);
  const remedies = [
    ...(near === undefined ? [] : [`Did you mean ${near}?`]),
    ...(names.length === 0 ? [] : [`The servers are: ${names.join(', ')}${orRun ? '.' : ''}`]),
    ...(orRun ? [HOW_TO_SEE_RUNS] : []),
  ];
  throw new UsageError(`there is no server ${orRun ? 'or run ' : ''}"${name}"`, {
    remedy: names.length + runs.length === 0 ? HOW_TO_BEGIN : remedies.join(' '),
  });
}

/** As `knownServer`, also for a server that was stopped; without a name the last one, if there is no other server. */
export async function lastServer(
  target: string | undefined,
  sshConfig: string | undefined,
  context: Context,
  orRun = false,
): Promise<KnownServer> {
  const { name, server, names, stopped } = await meaningOf(target, sshConfig, context);
  const last = name ?? (names.length === 0 ? Object.keys(stopped).at(-1) : undefined);
  const spec = server || last === undefined ? undefined : entryOf(stopped, last);
  verifyStoredSshConfig(spec?.sshConfig);
  return spec ? { spec, record: undefined } : knownServer(target, sshConfig, context, orRun);
}

/**
 * The server to stop: a known one, one that was stopped before, or the one that a host may run under its own name.
 * Undefined when no server is named and there is none. Never suggests a similar name: that would be another server.
 * @throws UsageError when the name is neither that of a server nor of a host
 */
export async function serverToStop(
  target: string | undefined,
  sshConfig: string | undefined,
  context: Context,
): Promise<KnownServer | undefined> {
  const { name, server, names, onIt, stopped } = await meaningOf(target, sshConfig, context);
  if (server) return server;
  if (name === undefined && names.length === 0) return undefined;
  if (name === undefined) throw notNamed(names, '');
  if (onIt.length > 0)
    throw new UsageError(`${name} has several servers`, { remedy: `Name one of them: ${onIt.join(', ')}` });
  const before = entryOf(stopped, name);
  verifyStoredSshConfig(before?.sshConfig);
  if (before) return { spec: makeSpec(name, { ...before, ...settingsIn({ sshConfig }) }), record: undefined };
  const spec = makeSpec(defaultName(name), { destination: name, sshConfig });
  if ((await lookUp(spec, context)).knownBy !== undefined) return { spec, record: undefined };
  throw new UsageError(`"${name}" is not the name of a server, a run or a host`, {
    remedy: `To see which servers there are: remote-notebook status. ${HOW_TO_SEE_RUNS}`,
  });
}

/** @param message for the case that there are no servers at all */
function notNamed(names: readonly string[], message: string): UsageError {
  if (names.length === 0) return new UsageError(message, { remedy: HOW_TO_BEGIN });
  return new UsageError('no server is named, and there are several', {
    remedy: `Name one of them: ${names.join(', ')}`,
  });
}

function only<T>(values: readonly T[]): T | undefined {
  return values.length === 1 ? values[0] : undefined;
}

/** The entry with that name. Every object also has a `toString`, which is not a server. */
function entryOf<T>(entries: Named<T>, name: string): T | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}
