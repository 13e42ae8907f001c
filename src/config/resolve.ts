import { defaultName, makeSpec, type ServerSpec } from '../model/server-spec.ts';
import { type ServerSettings, settingsIn } from '../model/settings.ts';
import { verifySshConfig } from '../ssh/config-file.ts';
import { verifyNoPassword } from '../ssh/destination.ts';
import { type Named, readState, type ServerRecord, type State } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { nearest } from '../system/nearest.ts';
import { configurationFile } from '../system/paths.ts';
import { type Configuration, readConfiguration } from './file.ts';

/** A server that has a name here, and its record if this machine has started or joined it. */
export interface KnownServer {
  readonly spec: ServerSpec;
  readonly record: ServerRecord | undefined;
}

/** What is on record of each server, whoever's commands started it. */
type Recorded = Named<Pick<ServerRecord, 'spec' | 'closed'>>;

function recordedIn({ servers, article }: State): Recorded {
  return { ...article, ...servers };
}

const HOW_TO_BEGIN =
  'Let it ask you: remote-notebook init. Or name where: remote-notebook start user@host --directory DIR --environment VENV';

/**
 * What `start` means: a name of config.yaml or of a record, or else a destination. What is given wins over both.
 * @throws UsageError when nothing is meant, or any part is wrong
 */
export async function resolveServer(
  target: string | undefined,
  { name, ...given }: ServerSettings & { readonly name?: string | undefined },
  context: Context,
): Promise<ServerSpec> {
  verifySshConfig(given.sshConfig);
  const configuration = await readConfiguration(configurationFile(context.env));
  const records = recordedIn(readState(context));
  const named = target ?? meantName(configuration, records);
  if (named === undefined)
    throw noneMeant(configuration, records, 'no server is named, and none is configured');
  const configured = entryOf(configuration.servers, named);
  const known = entryOf(records, named)?.spec;
  const settings = settingsIn(given);
  if (configured) return makeSpec(name ?? named, { sshConfig: known?.sshConfig, ...configured, ...settings });
  if (known) return makeSpec(name ?? named, { ...known, ...settings });
  return makeSpec(name ?? defaultName(named), { ...settings, destination: named });
}

/** @param none what to say where there is none at all */
function noneMeant(configuration: Configuration, records: Recorded, none: string): UsageError {
  const names = knownNames(configuration, records);
  if (names.length === 0) return new UsageError(none, { remedy: HOW_TO_BEGIN });
  return new UsageError('which server?', { remedy: `There are: ${names.join(', ')}` });
}

/** Without a name: the `default`, else the only one. */
function meantName(configuration: Configuration, records: Recorded): string | undefined {
  if (configuration.default !== undefined) return configuration.default;
  const names = knownNames(configuration, records);
  return names.length === 1 ? names[0] : undefined;
}

function knownNames(configuration: Configuration, records: Recorded): string[] {
  return [...new Set([...Object.keys(records), ...Object.keys(configuration.servers)])].sort();
}

/**
 * The server of that name, or the only one on that destination; without a name the one that must be meant.
 * @throws UsageError that tells those that exist
 */
export async function knownServer(
  target: string | undefined,
  sshConfig: string | undefined,
  context: Context,
): Promise<KnownServer> {
  verifySshConfig(sshConfig);
  const configuration = await readConfiguration(configurationFile(context.env));
  const state = readState(context);
  const records = recordedIn(state);
  const names = knownNames(configuration, records);
  const name = target ?? onlyStarted(records) ?? meantName(configuration, records);
  if (name === undefined) {
    throw noneMeant(configuration, records, 'there is no server yet');
  }
  const record = entryOf(records, name) ?? onlyOn(name, records);
  if (record) return { spec: record.spec, record: state.servers[record.spec.name] };
  const configured = entryOf(configuration.servers, name);
  if (configured)
    return { spec: makeSpec(name, { ...configured, ...settingsIn({ sshConfig }) }), record: undefined };
  verifyNoPassword(name);
  const near = nearest(name, names);
  const meant = near === undefined ? '' : `Did you mean ${near}? `;
  throw new UsageError(`there is no server "${name}"`, {
    remedy: names.length === 0 ? HOW_TO_BEGIN : `${meant}There are: ${names.join(', ')}`,
  });
}

/** The only one that has a tunnel, or should; else the only one whose server was left to run. */
function onlyStarted(records: Recorded): string | undefined {
  const names = Object.keys(records);
  const wanted = names.filter((name) => !records[name]?.closed);
  const meant = wanted.length > 0 ? wanted : names;
  return meant.length === 1 ? meant[0] : undefined;
}

/** The entry of that very name: an object also has a `toString`, which is no server. */
function entryOf<T>(entries: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}

function onlyOn(destination: string, records: Recorded): Recorded[string] | undefined {
  const found = Object.values(records).filter((record) => record.spec.destination === destination);
  return found.length === 1 ? found[0] : undefined;
}
