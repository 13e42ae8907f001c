import * as v from 'valibot';
import type { ServerEntry } from '../model/server-spec.ts';
import { SETTING_SCHEMAS } from '../model/setting-schemas.ts';
import {
  JOB_SETTING_NAMES,
  optionName,
  SETTING_NAMES,
  type ServerSettings,
  type SettingName,
  settingsIn,
} from '../model/settings.ts';
import { UsageError } from '../system/errors.ts';

/** Without lists and the sets of YAML 1.1, which v.object() accepts. */
export const mapping = v.custom<object>(
  (value) => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype,
  'a mapping',
);
const text = v.string('a string');

function schemasOf(names: readonly SettingName[]): v.ObjectEntries {
  return Object.fromEntries(names.map((name) => [optionName(name), v.optional(SETTING_SCHEMAS[name])]));
}

export const EntrySchema = v.strictObject({
  destination: text,
  ...schemasOf(SETTING_NAMES),
  job: v.optional(text),
});
export const JobSchema = v.strictObject(schemasOf(JOB_SETTING_NAMES));

// biome-ignore lint/suspicious/noThenProperty: it is an option, and never a function.
export const RunsSchema = v.strictObject({ then: v.optional(text), 'then-on-host': v.optional(text) });

export const ConfigurationSchema = v.strictObject({
  default: v.optional(text),
  runs: v.optional(v.pipe(mapping, RunsSchema)),
  jobs: v.optional(
    v.pipe(mapping, v.record(v.string(), v.pipe(mapping, JobSchema, v.transform(settingsWritten)))),
  ),
  servers: v.optional(
    v.pipe(mapping, v.record(v.string(), v.pipe(mapping, EntrySchema, v.transform(entryIn)))),
  ),
});

export interface Configuration {
  /** The server to use when the command names none. */
  readonly default: string | undefined;
  /** Commands for the end of each run: see the options of `run`. */
  readonly runs?: Readonly<v.InferOutput<typeof RunsSchema>> | undefined;
  /** Sets of settings of a batch job, by their names. */
  readonly jobs: Readonly<Record<string, ServerSettings>>;
  /** Each with the settings of its `job`. */
  readonly servers: Readonly<Record<string, ServerEntry>>;
}

type Written = Readonly<Record<string, unknown>>;

/** An entry of the file; `job` is the name of a set of settings that it has, too. */
export interface WrittenEntry extends ServerEntry {
  readonly job?: string | undefined;
}

function settingsWritten(written: Written): ServerSettings {
  return settingsIn(Object.fromEntries(SETTING_NAMES.map((name) => [name, written[optionName(name)]])));
}

function entryIn(
  written: Written & { readonly destination: string; readonly job?: string | undefined },
): WrittenEntry {
  const { destination, job } = written;
  return { destination, ...settingsWritten(written), ...(job !== undefined && { job }) };
}

/** Settings in the form of config.yaml, without empty values. */
function writtenSettings(settings: ServerSettings): Written {
  const isEmpty = (value: unknown) => value === undefined || [value].flat().join('') === '';
  const names = SETTING_NAMES.filter((name) => !isEmpty(settings[name]));
  return Object.fromEntries(names.map((name) => [optionName(name), settings[name]]));
}

export function writtenEntry(entry: ServerEntry): Written {
  return { destination: entry.destination, ...writtenSettings(entry) };
}

/** The configuration in the form of config.yaml. */
export function writtenConfiguration({ default: byDefault, runs, jobs, servers }: Configuration): Written {
  const sets = Object.entries(jobs).map(([name, settings]) => [name, writtenSettings(settings)]);
  const entries = Object.entries(servers).map(([name, entry]) => [name, writtenEntry(entry)]);
  return {
    default: byDefault,
    ...(runs && { runs }),
    ...(sets.length > 0 && { jobs: Object.fromEntries(sets) }),
    servers: Object.fromEntries(entries),
  };
}

/**
 * The set of settings of a batch job with that name.
 * @param subject what begins the message if there is none: `… is not one of the jobs`
 * @throws UsageError when there is none
 */
export function jobNamed(name: string, jobs: Configuration['jobs'], subject: string): ServerSettings {
  const found = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
  if (found) return found;
  throw new UsageError(`${subject} is not one of the jobs`, {
    remedy: `The jobs in config.yaml are: ${Object.keys(jobs).join(', ') || 'none'}`,
  });
}
