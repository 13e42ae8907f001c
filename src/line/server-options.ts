import type { Options } from 'yargs';
import {
  JOB_SETTING_NAMES,
  optionName,
  SETTING_NAMES,
  type ServerSettings,
  type SettingName,
  settingOf,
} from '../model/settings.ts';

/** `localPort` as `local-port`. */
type KebabCase<S extends string> = S extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? '' : '-'}${Lowercase<First>}${KebabCase<Rest>}`
  : '';

type OptionFor<V> = Options & {
  readonly type: V extends boolean ? 'boolean' : V extends number ? 'number' : 'string';
  readonly array: V extends readonly unknown[] ? true : false;
};

type SettingOptions = {
  readonly [S in SettingName as KebabCase<S>]-?: OptionFor<NonNullable<ServerSettings[S]>>;
};

/** The help section of what applies only to a server in a batch job. */
export const JOB_GROUP = 'In a batch job:';

/** The help section of a setting; the others are in `How:`. */
const GROUPS: Readonly<Partial<Record<SettingName, string>>> = {
  sshConfig: 'Where:',
  directory: 'What:',
  setup: 'What:',
  environment: 'What:',
  command: 'What:',
  ...Object.fromEntries(JOB_SETTING_NAMES.map((name) => [name, JOB_GROUP])),
};

function optionFor(name: SettingName): Options {
  const { type, letter, describe } = settingOf(name);
  const common = { describe, group: GROUPS[name] ?? 'How:', ...(letter && { alias: letter }) };
  if (type === 'switch') return { ...common, type: 'boolean' };
  const array = type === 'lines' ? { array: true, nargs: 1 } : {};
  return {
    ...common,
    ...array,
    type: type === 'port' || type === 'count' ? 'number' : 'string',
    requiresArg: true,
  };
}

/** An option for each setting of a server. */
export const SETTING_OPTIONS = Object.fromEntries(
  SETTING_NAMES.map((name) => [optionName(name), optionFor(name)]),
) as unknown as SettingOptions;

/** The options that describe a server. config.yaml has the same names. */
export const SERVER_OPTIONS = {
  name: {
    type: 'string',
    describe: 'name for this server (default: the host)',
    group: 'Where:',
    requiresArg: true,
  },
  ...SETTING_OPTIONS,
  job: {
    type: 'string',
    describe: 'use the set of job options with this name in config.yaml; single options override it',
    group: JOB_GROUP,
    requiresArg: true,
  },
} as const;
