import { defaultName, makeSpec, type ServerSpec } from '../model/server-spec.ts';
import { type ServerSettings, settingsIn } from '../model/settings.ts';
import { verifySshConfig } from '../ssh/config-file.ts';
import { verifyNoPassword } from '../ssh/destination.ts';
import { type Named, readState, type ServerRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { nearest } from '../system/nearest.ts';
import { configurationFile } from '../system/paths.ts';
import { readConfiguration } from './file.ts';

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
  const { default: byDefault, servers: configured } = await readConfiguration(configurationFile(context.env));
  const { servers, article } = readState(context);
  const records: Named<Pick<ServerRecord, 'spec' | 'closed'>> = { ...article, ...servers };
  const names = [...new Set([...Object.keys(records), ...Object.keys(configured)])].sort();
  return { configured, servers, records, names, byDefault: byDefault ?? only(names) };
}

/**
 * The server to start: `target` is a name in config.yaml or on record, or else a destination; without it, the default
 * or the only one. The given settings override the stored ones.
 * @throws UsageError when there is no such server, or a setting is not valid
 */
export async function resolveServer(
  target: string | undefined,
  { name, ...given }: ServerSettings & { readonly name?: string | undefined },
  context: Context,
): Promise<ServerSpec> {
  const { configured, records, names, byDefault } = await readKnown(given.sshConfig, context);
  const named = target ?? byDefault;
  if (named === undefined) throw notNamed(names, 'no server is named, and none is configured');
  const entry = entryOf(configured, named);
  const known = entryOf(records, named)?.spec;
  const settings = settingsIn(given);
  if (entry) return makeSpec(name ?? named, { sshConfig: known?.sshConfig, ...entry, ...settings });
  if (known) return makeSpec(name ?? named, { ...known, ...settings });
  return makeSpec(name ?? defaultName(named), { ...settings, destination: named });
}

/**
 * The server with that name, or the only one on that destination; without a name the only one that was started, the
 * default, or the only one.
 * @throws UsageError with the names of the existing servers
 */
export async function knownServer(
  target: string | undefined,
  sshConfig: string | undefined,
  context: Context,
): Promise<KnownServer> {
  const { configured, servers, records, names, byDefault } = await readKnown(sshConfig, context);
  const started = Object.keys(records);
  const name = target ?? only(started.filter((name) => !records[name]?.closed)) ?? only(started) ?? byDefault;
  if (name === undefined) throw notNamed(names, 'there is no server yet');
  const onIt = Object.values(records).filter(({ spec }) => spec.destination === name);
  const record = entryOf(records, name) ?? only(onIt);
  if (record) return { spec: record.spec, record: servers[record.spec.name] };
  const entry = entryOf(configured, name);
  if (entry) return { spec: makeSpec(name, { ...entry, ...settingsIn({ sshConfig }) }), record: undefined };
  verifyNoPassword(name);
  const near = nearest(name, names);
  const suggestion = near === undefined ? '' : `Did you mean ${near}? `;
  throw new UsageError(`there is no server "${name}"`, {
    remedy: names.length === 0 ? HOW_TO_BEGIN : `${suggestion}The servers are: ${names.join(', ')}`,
  });
}

/** @param message for the case that there are no servers at all */
function notNamed(names: readonly string[], message: string): UsageError {
  if (names.length === 0) return new UsageError(message, { remedy: HOW_TO_BEGIN });
  return new UsageError('which server?', { remedy: `The servers are: ${names.join(', ')}` });
}

function only<T>(values: readonly T[]): T | undefined {
  return values.length === 1 ? values[0] : undefined;
}

/** The entry with that name. Every object also has a `toString`, which is not a server. */
function entryOf<T>(entries: Named<T>, name: string): T | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}
