import { verifySshConfig } from '../ssh/config-file.ts';
import { verifyNoPassword } from '../ssh/destination.ts';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { nearest } from '../system/nearest.ts';
import { configurationFile } from '../system/paths.ts';
import { type Configuration, readConfiguration } from './configuration.ts';
import { defaultName, durationText, makeNotebook, type Notebook } from './notebook.ts';
import type { NotebookSettings } from './settings.ts';
import { type NotebookRecord, type Records, readRecords } from './state.ts';

/** A notebook that has a name here, and its record if this machine has started or joined it. */
export interface KnownNotebook {
  readonly notebook: Notebook;
  readonly record: NotebookRecord | undefined;
}

const HOW_TO_BEGIN =
  'Let it ask you: remote-notebook init. Or name where: remote-notebook start user@host --directory DIR --environment VENV';

/**
 * What `start` means: a name of config.yaml or of a record, or else a destination. Flags win over both.
 * @throws UsageError when nothing is meant, or any part is wrong
 */
export async function resolveNotebook(
  target: string | undefined,
  flags: NotebookSettings & { readonly name?: string | undefined },
  configFile: string | undefined,
  context: Context,
): Promise<Notebook> {
  verifySshConfig(configFile);
  const configuration = await readConfiguration(configurationFile(context.env));
  const records = readRecords(context);
  const named = target ?? meantName(configuration, records);
  if (named === undefined)
    throw noneMeant(configuration, records, 'no notebook is named, and none is configured');
  const { name: givenName, ...given } = flags;
  const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const configured = entryOf(configuration.notebooks, named);
  const record = entryOf(records, named);
  if (configured) {
    const used = { 'ssh-config': record?.notebook.configFile, ...configured };
    return makeNotebook(givenName ?? named, { ...used, ...settings }, configFile);
  }
  if (record) {
    const known = settingsOf(record.notebook);
    return makeNotebook(givenName ?? named, { ...known, ...settings }, configFile);
  }
  return makeNotebook(givenName ?? defaultName(named), { ...settings, destination: named }, configFile);
}

/** @param none what to say where there is none at all */
function noneMeant(configuration: Configuration, records: Records, none: string): UsageError {
  const names = knownNames(configuration, records);
  if (names.length === 0) return new UsageError(none, { remedy: HOW_TO_BEGIN });
  return new UsageError('which notebook?', { remedy: `There are: ${names.join(', ')}` });
}

/** Without a name: the `default`, else the only one. */
function meantName(configuration: Configuration, records: Records): string | undefined {
  if (configuration.default !== undefined) return configuration.default;
  const names = knownNames(configuration, records);
  return names.length === 1 ? names[0] : undefined;
}

function knownNames(configuration: Configuration, records: Records): string[] {
  return [...new Set([...Object.keys(records), ...Object.keys(configuration.notebooks)])].sort();
}

/** What `makeNotebook` would need to make this notebook again. */
export function settingsOf(notebook: Notebook): NotebookSettings & { destination: string } {
  const { destination, configFile, directory, setup, environment, command, port, localPort } = notebook;
  const { socket, strictPort, idleTimeoutS } = notebook;
  return {
    destination,
    'ssh-config': configFile,
    directory,
    setup,
    environment,
    command,
    port,
    'local-port': localPort,
    socket,
    'strict-port': strictPort,
    ...(idleTimeoutS === undefined ? {} : { 'idle-timeout': durationText(idleTimeoutS) }),
  };
}

/**
 * The notebook of that name, or the only one on that destination; without a name the one that must be meant.
 * @throws UsageError that tells those that exist
 */
export async function knownNotebook(
  target: string | undefined,
  configFile: string | undefined,
  context: Context,
): Promise<KnownNotebook> {
  verifySshConfig(configFile);
  const configuration = await readConfiguration(configurationFile(context.env));
  const records = readRecords(context);
  const names = knownNames(configuration, records);
  const name = target ?? onlyStarted(records) ?? meantName(configuration, records);
  if (name === undefined) {
    throw noneMeant(configuration, records, 'there is no notebook yet');
  }
  const record = entryOf(records, name) ?? onlyOn(name, records);
  if (record) return { notebook: record.notebook, record };
  const configured = entryOf(configuration.notebooks, name);
  if (configured) return { notebook: makeNotebook(name, configured, configFile), record: undefined };
  verifyNoPassword(name);
  const near = nearest(name, names);
  const meant = near === undefined ? '' : `Did you mean ${near}? `;
  throw new UsageError(`there is no notebook "${name}"`, {
    remedy: names.length === 0 ? HOW_TO_BEGIN : `${meant}There are: ${names.join(', ')}`,
  });
}

/** The only one that has a tunnel, or should; else the only one whose server was left to run. */
function onlyStarted(records: Records): string | undefined {
  const names = Object.keys(records);
  const wanted = names.filter((name) => !records[name]?.closed);
  const meant = wanted.length > 0 ? wanted : names;
  return meant.length === 1 ? meant[0] : undefined;
}

/** The entry of that very name: an object also has a `toString`, which is no notebook. */
function entryOf<T>(entries: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}

function onlyOn(destination: string, records: Records): NotebookRecord | undefined {
  const found = Object.values(records).filter((record) => record.notebook.destination === destination);
  return found.length === 1 ? found[0] : undefined;
}
