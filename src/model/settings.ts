import { isDeepStrictEqual } from 'node:util';
import { parseDuration, type ValueOf, type ValueType, verified } from './setting-values.ts';

interface Setting {
  readonly type: ValueType;
  /** The short form of its option. */
  readonly letter?: string;
  /** The description in --help. */
  readonly describe: string;
  /** Without a default, `start` chooses a value. */
  readonly default?: string | number | boolean | readonly string[];
  /** What it affects: Jupyter on the host, its batch job, the wait for that, the tunnel here, or the ports at both ends. */
  readonly side: 'host' | 'job' | 'wait' | 'here' | 'both';
  /** Whether the article's three commands (`--plain`) do not support it. */
  readonly isExtra?: boolean;
}

/** All settings. The names are in kebab case as options and in config.yaml, and in snake case in scripts. */
export const SETTINGS = {
  /** A leading `~` is expanded on the host. */
  directory: {
    type: 'line',
    letter: 'd',
    describe: "Jupyter's working directory on the host (default: your home directory)",
    default: '',
    side: 'host',
  },
  environment: {
    type: 'environment',
    letter: 'e',
    describe:
      'environment on the host: the folder of a venv (relative to the directory, absolute, or starting with ~), conda:NAME, uv, poetry, pixi, module:NAME,NAME, or a container: podman:IMAGE, docker:IMAGE, apptainer:FILE.sif',
    default: '',
    side: 'host',
  },
  /** Shell commands that run on the host, in the directory. */
  setup: {
    type: 'lines',
    describe: 'shell command to run before activating the environment (repeatable)',
    default: [],
    side: 'host',
    isExtra: true,
  },
  command: {
    type: 'line',
    describe: 'Jupyter command (default: jupyter lab if it is installed, otherwise jupyter notebook)',
    default: '',
    side: 'host',
  },
  /** The port on the host. */
  port: {
    type: 'port',
    letter: 'p',
    describe:
      'make Jupyter listen on this port of the host, which other users there can reach (default: a private Unix socket)',
    side: 'host',
  },
  localPort: {
    type: 'port',
    describe: 'port on this machine (default: the number of --port, or 8889)',
    side: 'here',
  },
  strictPort: {
    type: 'switch',
    describe: 'fail if a port that is set is in use, instead of using the next free one',
    default: false,
    side: 'both',
  },
  idleTimeout: {
    type: 'duration',
    describe: 'shut down idle kernels, and then the server, after this time without use: 90m, 8h or 2d',
    side: 'host',
    isExtra: true,
  },
  launcher: {
    type: 'launcher',
    describe:
      'what runs Jupyter: direct (default), or a batch job of slurm or gridengine, on a cluster whose login node is the host',
    default: 'direct',
    side: 'job',
    isExtra: true,
  },
  time: {
    type: 'duration',
    describe: 'how long the job may run: 90m, 4h or 2d (default: that of the cluster)',
    side: 'job',
    isExtra: true,
  },
  cpus: {
    type: 'count',
    describe: 'number of CPUs of the job (default: that of the cluster)',
    side: 'job',
    isExtra: true,
  },
  memory: {
    type: 'size',
    describe: 'memory of the job: 500M, 16G or 1T (default: that of the cluster)',
    side: 'job',
    isExtra: true,
  },
  gpus: {
    type: 'gpus',
    describe: 'number of GPUs of the job, or their type and number: 1, a100:2 (default: none)',
    side: 'job',
    isExtra: true,
  },
  partition: {
    type: 'word',
    describe: 'partition or queue of the job (default: that of the cluster)',
    side: 'job',
    isExtra: true,
  },
  account: {
    type: 'word',
    describe: 'account or project to which the job is charged (default: yours)',
    side: 'job',
    isExtra: true,
  },
  /** Each is one word of the command that submits the job. */
  jobOption: {
    type: 'lines',
    describe: 'option that the scheduler gets unchanged, such as --qos=high (repeatable)',
    default: [],
    side: 'job',
    isExtra: true,
  },
  exposeOnClusterNetwork: {
    type: 'switch',
    describe:
      'make Jupyter listen on the network address of its node, where other users of the cluster can reach its login page: only where no other way leads to the node (default: a private Unix socket)',
    default: false,
    side: 'job',
    isExtra: true,
  },
  queueTimeout: {
    type: 'duration',
    describe: 'cancel the job if it has not started after this time: 30m, 8h or 2d (default: wait)',
    side: 'wait',
    isExtra: true,
  },
  /** A file, or `none`. */
  sshConfig: {
    type: 'file',
    letter: 'F',
    describe: 'use this ssh config file (ssh -F)',
    side: 'here',
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** The port where none is set: the local one, and that of a Jupyter that cannot listen on a socket. */
export const DEFAULT_PORT = 8889;

export type SettingName = keyof typeof SETTINGS;

/** The settings of a server that the command line, config.yaml or a caller of the library sets. */
export type ServerSettings = {
  readonly [S in SettingName]?: ValueOf<(typeof SETTINGS)[S]['type']> | undefined;
};

/** All settings, verified and with defaults. */
export type SettledSettings = {
  readonly [S in SettingName]-?:
    | NonNullable<ServerSettings[S]>
    | ((typeof SETTINGS)[S] extends { default: unknown } ? never : undefined);
};

/** The names in display order. */
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

export function settingOf(name: SettingName): Setting {
  return SETTINGS[name];
}

/** The name of a setting as an option and in config.yaml: `local-port`. */
export function optionName(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The settings of a batch job, which a named set in config.yaml can have. */
export const JOB_SETTING_NAMES = SETTING_NAMES.filter((name) =>
  ['job', 'wait'].includes(settingOf(name).side),
);

/** The settings that are not undefined. */
export function settingsIn(values: ServerSettings): ServerSettings {
  const set = SETTING_NAMES.filter((name) => values[name] !== undefined);
  return Object.fromEntries(set.map((name) => [name, values[name]]));
}

/** Verifies settings and adds the defaults. @throws UsageError for a value that is not valid */
export function settled(settings: ServerSettings): SettledSettings {
  const entries = SETTING_NAMES.map((name) => {
    const { type, default: byDefault } = settingOf(name);
    const value = settings[name] ?? byDefault;
    return [name, value === undefined ? undefined : verified(type, value, optionName(name))];
  });
  return Object.fromEntries(entries) as SettledSettings;
}

/** Those that differ from the default. */
function chosen(settings: SettledSettings): SettingName[] {
  return SETTING_NAMES.filter((name) => !isDeepStrictEqual(settings[name], settingOf(name).default));
}

/** The options that set these settings. With `=`, a value may begin with a dash. */
export function settingArgs(settings: SettledSettings): string[] {
  return chosen(settings).flatMap((name) => {
    const option = `--${optionName(name)}`;
    const value = settings[name];
    return value === true ? [option] : [value].flat().map((each) => `${option}=${each}`);
  });
}

/** The first of these settings, as an option, that the article's three commands do not support. */
export function unknownToArticle(settings: SettledSettings): string | undefined {
  const unknown = chosen(settings).find((name) => settingOf(name).isExtra);
  return unknown && optionName(unknown);
}

/** The requested settings of one side, as options, that differ from those of the running server. */
export function unmetSettings(
  requested: SettledSettings,
  running: SettledSettings,
  side: 'host' | 'here',
): string[] {
  const affects = (name: SettingName) => (settingOf(name).side === 'job' ? 'host' : settingOf(name).side);
  return chosen(requested)
    .filter((name) => affects(name) === side && !isDeepStrictEqual(requested[name], running[name]))
    .map(optionName);
}

/** The first of these settings, as an option, that only a batch job can have. */
export function onlyForJobs(settings: SettledSettings): string | undefined {
  const found = chosen(settings).find((name) => JOB_SETTING_NAMES.includes(name));
  return found && optionName(found);
}

/** The variables for the host's scripts: empty if not set, `yes` for a switch, seconds for a duration. */
export function scriptVariables(settings: SettledSettings): Record<string, string> {
  const names = SETTING_NAMES.filter((name) => ['host', 'both', 'wait'].includes(settingOf(name).side));
  const variable = (name: SettingName) => optionName(name).replaceAll('-', '_');
  return Object.fromEntries(names.map((name) => [variable(name), variableText(name, settings[name])]));
}

function variableText(name: SettingName, value: SettledSettings[SettingName]): string {
  if (value === undefined || value === false) return '';
  if (settingOf(name).type === 'duration') return String(parseDuration(String(value), name));
  return value === true ? 'yes' : [value].flat().join('\n');
}
