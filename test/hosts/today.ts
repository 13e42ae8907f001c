import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { CLEAN, TESTERS } from './clean.ts';
import { cache, outputOf, PYTHON, pathWith, registryVenv, withVenv } from './registry-venv.ts';
import type { World, WorldOptions } from './world.ts';

/** The Jupyter that most people have: JupyterLab 4 and Notebook 7 of today. uv and pipx install it on a test host as users do. */

const venv = registryVenv('today', ['jupyterlab', 'notebook', 'uv', 'pipx']);

/** For a test's `skip`: why this machine cannot install them. */
export const NO_JUPYTER_OF_TODAY = venv.missing;

/** The variables by which pip, uv and pipx on a test host reach the registry as those of this machine do. */
function registrySettings(): Record<string, string> {
  const isSetting = (name: string) =>
    /^(PIP|UV)_|^(SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$|_proxy$/i.test(name);
  const variables = Object.entries(TESTERS).filter(([name]) => isSetting(name));
  // Lines like: global.index-url='…'
  const lines = outputOf(programOfToday('pip'), 'config', 'list').matchAll(/^\w+\.([\w-]+)='(.*)'$/gm);
  const configured = [...lines].map(([, key = '', value = '']) => [
    `PIP_${key.toUpperCase().replaceAll('-', '_')}`,
    value,
  ]);
  const settings: Record<string, string> = Object.fromEntries([...configured, ...variables]);
  const index = settings.PIP_INDEX_URL;
  return {
    ...(index ? { UV_DEFAULT_INDEX: index } : {}),
    ...settings,
    UV_CACHE_DIR: join(cache, 'uv'),
    UV_PYTHON: PYTHON,
    UV_PYTHON_DOWNLOADS: 'never',
    PIPX_DEFAULT_PYTHON: PYTHON,
  };
}

/** For a host on which uv and pipx, which are not on its PATH, reach the registry. */
export function optionsOfToday(): WorldOptions {
  return { environment: registrySettings() };
}

/** The path of jupyter, jupyter-lab, jupyter-notebook, uv or pipx of today. */
export function programOfToday(name: string): string {
  return join(venv.folder, 'bin', name);
}

/** For a host whose PATH begins with `jupyter`, JupyterLab and Notebook of today. */
export function withToday(): WorldOptions {
  return withVenv(venv);
}

/** Runs uv, pipx, or a program of the venv of today as the user of the host, in a directory. */
export function onHostOfToday(
  { home }: World,
  [program = '', ...words]: readonly string[],
  cwd = home,
): string {
  const env = { ...CLEAN, ...registrySettings(), HOME: home, PATH: pathWith(venv.folder) };
  return execFileSync(program, words, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
