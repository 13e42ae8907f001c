import { isDeepStrictEqual } from 'node:util';
import { parseDuration, type TypeFor, verified } from './setting-values.ts';

/** What is said of a server: by options, in config.yaml, by a caller of the library. The rest has defaults. */
export interface ServerSettings {
  /** Where Jupyter works on the host; a leading `~` is the home folder there, and so is the default. */
  readonly directory?: string | undefined;
  /** Lines of shell that run on the host, in the directory, before the environment is entered. */
  readonly setup?: readonly string[] | undefined;
  /** A venv's folder (in the directory, absolute, or below `~`), `conda:NAME`, `uv`, `poetry`, `pixi`, or `module:NAME,NAME`. */
  readonly environment?: string | undefined;
  /** The Jupyter command; by default JupyterLab where there is one, else the classic notebook. */
  readonly command?: string | undefined;
  /** The wanted port on the host. */
  readonly port?: number | undefined;
  /** The wanted port on this machine; by default the same one as on the host. */
  readonly localPort?: number | undefined;
  /** Whether Jupyter listens on a Unix socket that only this user can reach, and on no port of the host. */
  readonly socket?: boolean | undefined;
  /** Whether a taken port is a failure. */
  readonly strictPort?: boolean | undefined;
  /** `90m`, `8h`, `2d`: unused for so long, Jupyter ends its kernels, and then itself. */
  readonly idleTimeout?: string | undefined;
  /** ssh's own `-F`: another file than ~/.ssh/config, or `none`. */
  readonly sshConfig?: string | undefined;
}

interface Setting<V = string | number | boolean | readonly string[]> {
  readonly type: TypeFor<V>;
  /** The letter of its option, beside the long name. */
  readonly letter?: string;
  /** What --help shows. */
  readonly describe: string;
  /** Without a default, an unset one leaves the choice to the start. */
  readonly default?: V;
  /**
   * Where it has its effect: on the host, once Jupyter is started; here, once the tunnel is made; or at both ends,
   * while something is started.
   */
  readonly counts: 'host' | 'here' | 'both';
  /** Whether the article's own commands have a place for it. */
  readonly isPlain: boolean;
}

/** Each setting of a server, once. Its name is in kebab case as an option and in config.yaml, in snake case in scripts. */
export const SETTINGS = {
  directory: {
    type: 'line',
    letter: 'd',
    describe: "Jupyter's working directory on the host (default: your home directory)",
    default: '',
    counts: 'host',
    isPlain: true,
  },
  environment: {
    type: 'environment',
    letter: 'e',
    describe:
      'environment on the host: the folder of a venv (relative to the directory, absolute, or starting with ~), conda:NAME, uv, poetry, pixi, or module:NAME,NAME',
    default: '',
    counts: 'host',
    isPlain: true,
  },
  setup: {
    type: 'lines',
    describe: 'shell command to run before activating the environment (repeatable)',
    default: [],
    counts: 'host',
    isPlain: false,
  },
  command: {
    type: 'line',
    describe: 'Jupyter command (default: jupyter lab if it is installed, otherwise jupyter notebook)',
    default: '',
    counts: 'host',
    isPlain: true,
  },
  port: {
    type: 'port',
    letter: 'p',
    describe: 'port on the host (default: 8889)',
    default: 8889,
    counts: 'host',
    isPlain: true,
  },
  localPort: {
    type: 'port',
    describe: 'port on this machine (default: the same number, if it is free)',
    counts: 'here',
    isPlain: true,
  },
  socket: {
    type: 'switch',
    describe:
      'make Jupyter listen on a private Unix socket instead of a port that other users of the host can reach',
    default: false,
    counts: 'host',
    isPlain: false,
  },
  strictPort: {
    type: 'switch',
    describe: 'fail if a port is in use, instead of using the next free one',
    default: false,
    counts: 'both',
    isPlain: true,
  },
  idleTimeout: {
    type: 'duration',
    describe: 'shut down idle kernels, and then the server, after this time without use: 90m, 8h or 2d',
    counts: 'host',
    isPlain: false,
  },
  sshConfig: {
    type: 'file',
    letter: 'F',
    describe: 'use this ssh config file (ssh -F)',
    counts: 'here',
    isPlain: true,
  },
} as const satisfies { readonly [S in keyof ServerSettings]-?: Setting<NonNullable<ServerSettings[S]>> };

export type SettingName = keyof ServerSettings;

/** All of them, verified, with the defaults for those that nobody has set. */
export type SettledSettings = {
  readonly [S in SettingName]-?:
    | NonNullable<ServerSettings[S]>
    | ((typeof SETTINGS)[S] extends { default: unknown } ? never : undefined);
};

/** Their names, in the order in which they are shown. */
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** A setting's row of the table. */
export function settingOf(name: SettingName): Setting {
  return SETTINGS[name];
}

/** `local-port`: its name as an option and in config.yaml. */
export function optionName(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The settings among these values that are set. */
export function settingsIn(values: ServerSettings): ServerSettings {
  const set = SETTING_NAMES.filter((name) => values[name] !== undefined);
  return Object.fromEntries(set.map((name) => [name, values[name]]));
}

/** @throws UsageError for a value that cannot be used as it is */
export function settled(settings: ServerSettings): SettledSettings {
  const entries = SETTING_NAMES.map((name) => {
    const { type, default: byDefault } = settingOf(name);
    const value = settings[name] ?? byDefault;
    return [name, value === undefined ? undefined : verified(type, value, optionName(name))];
  });
  return Object.fromEntries(entries) as SettledSettings;
}

/** Those that somebody has set to something else than the default. */
function chosen(settings: SettledSettings): SettingName[] {
  return SETTING_NAMES.filter((name) => !isDeepStrictEqual(settings[name], settingOf(name).default));
}

/** The options that set these settings. With `=`, a value that begins with a dash is no option. */
export function settingArgs(settings: SettledSettings): string[] {
  return chosen(settings).flatMap((name) => {
    const option = `--${optionName(name)}`;
    const value = settings[name];
    return value === true ? [option] : [value].flat().map((each) => `${option}=${each}`);
  });
}

/** The first of these settings that the article's own commands have no place for, as an option. */
export function unknownToArticle(settings: SettledSettings): string | undefined {
  const unknown = chosen(settings).find((name) => !settingOf(name).isPlain);
  return unknown && optionName(unknown);
}

/** Those that were chosen, and that a server which runs has otherwise: as options. */
export function unmetSettings(wanted: SettledSettings, has: SettledSettings): string[] {
  return chosen(wanted)
    .filter((name) => settingOf(name).counts !== 'both' && !isDeepStrictEqual(wanted[name], has[name]))
    .map(optionName);
}

/** The variables of the host's scripts: empty for what is not set, `yes` for a switch, seconds for a duration. */
export function scriptVariables(settings: SettledSettings): Record<string, string> {
  const names = SETTING_NAMES.filter((name) => settingOf(name).counts !== 'here');
  return Object.fromEntries(
    names.map((name) => [optionName(name).replaceAll('-', '_'), variableText(name, settings[name])]),
  );
}

function variableText(name: SettingName, value: SettledSettings[SettingName]): string {
  if (value === undefined || value === false) return '';
  if (settingOf(name).type === 'duration') return String(parseDuration(String(value), name));
  return value === true ? 'yes' : [value].flat().join('\n');
}
