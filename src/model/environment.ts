import { shellQuote } from '../system/command.ts';
import { UsageError } from '../system/errors.ts';

/** What an environment is, by the word that names it; the host's side of it is host/sh/parts/environment.sh. */
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

const PIP_INSTALL = 'python3 -m pip install --user jupyterlab';

/** What puts Jupyter into an environment, and what makes it or tells what there is; as one would type it on the host. */
function commandsOf(environment: Environment): { install: string; make: string } {
  const { kind } = environment;
  if (kind === 'none') return { install: PIP_INSTALL, make: '' };
  if (kind === 'venv') {
    const install = `${shellPath(`${environment.folder}/bin/pip`)} install jupyterlab`;
    return { install, make: `python3 -m venv ${shellPath(environment.folder)} && ${install}` };
  }
  if (kind === 'conda') {
    const packages = `${condaTarget(environment.name)} -c conda-forge jupyterlab`;
    return { install: `conda install ${packages}`, make: `conda create ${packages}` };
  }
  if (kind === 'module') {
    const names = environment.names.map(shellQuote).join(' ');
    return { install: `module load ${names} && ${PIP_INSTALL}`, make: 'module avail' };
  }
  return { install: `${kind} add jupyterlab`, make: `${kind} init && ${kind} add jupyterlab` };
}

/** The one command that puts Jupyter into it, as one would type it in the directory on the host. */
export function installCommand(environment: Environment): string {
  return commandsOf(environment).install;
}

/** The one command that makes it, or tells what there is, where it cannot be entered. */
export function makeCommand(environment: Environment): string {
  return commandsOf(environment).make;
}

function condaTarget(name: string): string {
  return name.includes('/') ? `-p ${shellPath(name)}` : `-n ${shellQuote(name)}`;
}

/** The home folder stays one. */
function shellPath(path: string): string {
  return path.startsWith('~/') ? `~/${shellQuote(path.slice(2))}` : shellQuote(path);
}
