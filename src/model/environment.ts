import { shellQuote } from '../system/command.ts';
import { UsageError } from '../system/errors.ts';

/** A Python environment on the host. host/sh/parts/environment.sh enters it. */
export type Environment =
  | { readonly kind: 'none' }
  | { readonly kind: 'venv'; readonly folder: string }
  | { readonly kind: 'conda'; readonly name: string }
  | { readonly kind: 'module'; readonly names: readonly string[] }
  | { readonly kind: 'uv' | 'poetry' | 'pixi' };

/** @throws UsageError when the text is not a known form */
export function parseEnvironment(text: string): Environment {
  if (text === '') return { kind: 'none' };
  if (text === 'uv' || text === 'poetry' || text === 'pixi') return { kind: text };
  const [, kind, rest = ''] = /^([a-z]+):(.*)$/.exec(text) ?? [];
  if (kind === undefined) return { kind: 'venv', folder: text };
  const names = rest.split(',');
  if (kind === 'conda' && rest !== '') return { kind, name: rest };
  if (kind === 'module' && names.every((name) => /^[^\s,-][^\s,]*$/.test(name))) return { kind, names };
  throw new UsageError(`unknown environment "${text}"`, {
    remedy: `Use a venv's folder, conda:NAME, uv, poetry, pixi, or module:NAME,NAME; a folder of that name is ./${text}`,
  });
}

const PIP_INSTALL = 'python3 -m pip install --user jupyterlab';

/** The command that installs Jupyter in an environment, as a user would type it in the directory on the host. */
export function installCommand(environment: Environment): string {
  const { kind } = environment;
  if (kind === 'none') return PIP_INSTALL;
  if (kind === 'venv') return `${shellPath(`${environment.folder}/bin/pip`)} install jupyterlab`;
  if (kind === 'conda') return `conda install ${condaPackages(environment.name)}`;
  if (kind === 'module')
    return `module load ${environment.names.map(shellQuote).join(' ')} && ${PIP_INSTALL}`;
  return `${kind} add jupyterlab`;
}

/** The command that creates a missing environment, or lists the modules. */
export function makeCommand(environment: Environment): string {
  const { kind } = environment;
  if (kind === 'none') return '';
  if (kind === 'venv')
    return `python3 -m venv ${shellPath(environment.folder)} && ${installCommand(environment)}`;
  if (kind === 'conda') return `conda create ${condaPackages(environment.name)}`;
  if (kind === 'module') return 'module avail';
  return `${kind} init && ${installCommand(environment)}`;
}

function condaPackages(name: string): string {
  return `${name.includes('/') ? `-p ${shellPath(name)}` : `-n ${shellQuote(name)}`} -c conda-forge jupyterlab`;
}

/** Without quotes around a leading ~, which the shell expands. */
function shellPath(path: string): string {
  return path.startsWith('~/') ? `~/${shellQuote(path.slice(2))}` : shellQuote(path);
}
