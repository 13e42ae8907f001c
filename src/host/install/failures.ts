import { indented } from '../../system/errors.ts';

export interface FailedInstallation {
  readonly subject: string;
  readonly log: readonly string[];
  readonly destination: string;
}

/** One reason why pip, uv or venv failed. */
interface Trouble {
  readonly kind: 'network' | 'disk' | 'venv' | 'managed' | 'python' | 'unknown';
  /** Matches one of the last lines that it printed. */
  readonly words: RegExp;
  readonly remedy: (path: string) => string;
}

/** What pip 23 to 26, uv 0.4 to 0.9 and the venv module print. The first that matches applies. */
const TROUBLES: readonly Trouble[] = [
  {
    kind: 'disk',
    words: /No space left on device|[Dd]isk quota exceeded|os error 28\b/,
    remedy: () =>
      'JupyterLab needs about 300 MB. Make room there, or choose a directory on another disk with --directory. TMPDIR, which a setup command can set, must have room as well.',
  },
  {
    kind: 'venv',
    words: /ensurepip is not\b|No module named '?(?:venv|ensurepip)/,
    remedy: () =>
      "Its Python has no venv module. The administrator can install it (Debian, Ubuntu: apt install python3-venv). Without one, install uv in your account, or load another Python with --setup 'module load python'.",
  },
  {
    kind: 'managed',
    words: /externally[- ]managed/,
    remedy: () =>
      'That Python belongs to the operating system. Name a folder for a new venv: --environment .venv',
  },
  {
    kind: 'python',
    words: /requires a different Python|Requires-Python|No solution found when resolving/,
    remedy: () =>
      "A newer Python may help: load one with --setup 'module load python', and choose another folder with --environment.",
  },
  {
    kind: 'network',
    words:
      /name resolution|[Nn]ame or service not known|[Nn]etwork is unreachable|No route to host|[Cc]onnection refused|[Tt]imed? ?out|NewConnectionError|ConnectTimeoutError|ProxyError|[Ff]ailed to fetch|dns error|error sending request|No matching distribution found for (?:pip|jupyterlab|ipykernel)\b/,
    remedy: () =>
      'The host does not reach its package index. If it needs a proxy or a mirror, add a setup command: export HTTPS_PROXY=… or export PIP_INDEX_URL=…',
  },
];

const UNKNOWN: Trouble = {
  kind: 'unknown',
  words: /^/,
  remedy: (path) => `Nothing is left of it in ${path}, unless the environment was there before.`,
};

function troubleIn(log: readonly string[]): Trouble {
  return TROUBLES.find(({ words }) => log.some((line) => words.test(line))) ?? UNKNOWN;
}

/** Whether an installation failed because its host does not reach the package index. */
export function isOffline(log: readonly string[]): boolean {
  return troubleIn(log).kind === 'network';
}

function printed(log: readonly string[]): string {
  return indented(log.filter((line) => line.trim() !== ''));
}

/** The message and the remedy for each cause of a failure that only an installation reports. */
export const INSTALL_EXPLANATIONS = {
  occupied: ({ subject, destination }: FailedInstallation) => [
    `${subject} on ${destination} exists, but is not a venv, so nothing was installed in it`,
    'Name another folder with --environment.',
  ],
  unrequired: ({ subject, destination }: FailedInstallation) => [
    `there is neither a requirements.txt nor a pyproject.toml in ${subject} on ${destination}`,
    'Omit --requirements, or choose another directory with --directory.',
  ],
  unmade: ({ subject, log, destination }: FailedInstallation) => [
    `cannot create the venv ${subject} on ${destination}:${printed(log)}`,
    troubleIn(log).remedy(subject),
  ],
  install: ({ subject, log, destination }: FailedInstallation) => [
    `cannot install JupyterLab in ${subject} on ${destination}:${printed(log)}`,
    troubleIn(log).remedy(subject),
  ],
} as const satisfies Readonly<
  Record<string, (failure: FailedInstallation) => readonly [message: string, remedy?: string]>
>;
