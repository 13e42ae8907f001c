import { shellQuote } from '../system/command.ts';
import { UsageError } from '../system/errors.ts';

/** What an environment is, by the word that names it; the host's side of it is host/sh/environment.sh. */
export type Environment =
  | { readonly kind: 'none' }
  | { readonly kind: 'venv'; readonly folder: string }
  | { readonly kind: 'conda'; readonly name: string }
  | { readonly kind: 'module'; readonly names: readonly string[] }
  | { readonly kind: 'uv' | 'poetry' | 'pixi' };

const FORMS = "a venv's folder, conda:NAME, uv, poetry, pixi, or module:NAME,NAME";

/** @throws UsageError when it can be none */
export function parseEnvironment(word: string): Environment {
  if (word === '') return { kind: 'none' };
  if (word === 'uv' || word === 'poetry' || word === 'pixi') return { kind: word };
  const [, kind, rest = ''] = /^([a-z]+):(.*)$/.exec(word) ?? [];
  if (kind === undefined) return { kind: 'venv', folder: word };
  const names = rest.split(',');
  if (kind === 'conda' && rest !== '') return { kind, name: rest };
  if (kind === 'module' && names.every((name) => /^[^\s,-][^\s,]*$/.test(name))) return { kind, names };
  throw new UsageError(`the environment "${word}" is none that is known`, {
    remedy: `It is ${FORMS}; a folder of that name is ./${word}`,
  });
}

/** The one command that puts Jupyter into it, as one would type it in the directory on the host. */
export function installCommand(environment: Environment): string {
  switch (environment.kind) {
    case 'none':
      return 'python3 -m pip install --user jupyterlab';
    case 'venv':
      return `${shellPath(`${environment.folder}/bin/pip`)} install jupyterlab`;
    case 'conda':
      return `conda install ${condaTarget(environment.name)} -c conda-forge jupyterlab`;
    case 'module':
      return `module load ${environment.names.map(shellQuote).join(' ')} && python3 -m pip install --user jupyterlab`;
    default:
      return `${environment.kind} add jupyterlab`;
  }
}

/** The one command that makes it, or tells what there is, where it cannot be entered. */
export function makeCommand(environment: Environment): string {
  switch (environment.kind) {
    case 'venv':
      return `python3 -m venv ${shellPath(environment.folder)} && ${installCommand(environment)}`;
    case 'conda':
      return `conda create ${condaTarget(environment.name)} -c conda-forge jupyterlab`;
    case 'module':
      return 'module avail';
    case 'uv':
    case 'pixi':
      return `${environment.kind} init && ${environment.kind} add jupyterlab`;
    case 'poetry':
      return 'poetry init && poetry add jupyterlab';
    default:
      return '';
  }
}

function condaTarget(name: string): string {
  return name.includes('/') ? `-p ${shellPath(name)}` : `-n ${shellQuote(name)}`;
}

/** The home folder stays one. */
function shellPath(path: string): string {
  return path.startsWith('~/') ? `~/${shellQuote(path.slice(2))}` : shellQuote(path);
}
