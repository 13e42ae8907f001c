import { shellQuote } from '../system/command.ts';
import { UsageError } from '../system/errors.ts';

/** A Python environment on the host. host/sh/parts/environment.sh enters it. */
export type Environment =
  | { readonly kind: 'none' }
  | { readonly kind: 'venv'; readonly folder: string }
  | { readonly kind: 'conda'; readonly name: string }
  | { readonly kind: 'module'; readonly names: readonly string[] }
  | { readonly kind: 'uv' | 'poetry' | 'pixi' }
  | { readonly kind: 'container'; readonly tool: ContainerTool; readonly image: string };

const CONTAINER_TOOLS = ['podman', 'docker', 'apptainer', 'singularity'] as const;
type ContainerTool = (typeof CONTAINER_TOOLS)[number];

/** @throws UsageError when the text is not a known form */
export function parseEnvironment(text: string): Environment {
  if (text === '') return { kind: 'none' };
  if (text === 'uv' || text === 'poetry' || text === 'pixi') return { kind: text };
  const [, kind, rest = ''] = /^([a-z]+):(.*)$/.exec(text) ?? [];
  if (kind === undefined) return { kind: 'venv', folder: text };
  const names = rest.split(',');
  if (kind === 'conda' && rest !== '') return { kind, name: rest };
  if (kind === 'module' && names.every((name) => /^[^\s,-][^\s,]*$/.test(name))) return { kind, names };
  const tool = CONTAINER_TOOLS.find((tool) => tool === kind);
  if (tool && /^[^\s-]/.test(rest) && (isFile(tool) || !/\s/.test(rest)))
    return { kind: 'container', tool, image: rest };
  throw new UsageError(`unknown environment "${text}"`, {
    remedy: `Use a venv's folder, conda:NAME, uv, poetry, pixi, module:NAME,NAME, podman:IMAGE, docker:IMAGE, or apptainer:FILE.sif; for a folder of that name, write ./${text}`,
  });
}

/** A venv in the directory, which `start` uses: many systems refuse `pip install` outside of a venv (PEP 668). */
const OWN_VENV = { kind: 'venv', folder: '.venv' } as const;

/** The command that installs Jupyter in an environment, as a user would type it in the directory on the host. */
export function installCommand(environment: Environment): string {
  const { kind } = environment;
  if (kind === 'none') return makeCommand(OWN_VENV);
  if (kind === 'venv') return `${shellPath(`${environment.folder}/bin/pip`)} install jupyterlab`;
  if (kind === 'conda') return `conda install ${condaPackages(environment.name)}`;
  if (kind === 'module')
    return `module load ${environment.names.map(shellQuote).join(' ')} && python3 -m pip install --user jupyterlab`;
  if (kind === 'container') return 'pip install jupyterlab';
  return `${kind} add jupyterlab`;
}

/** The command that makes the environment's own Python the one in which its Jupyter runs cells. */
export function kernelCommand(environment: Environment): string {
  const { kind } = environment;
  const install = 'python -m ipykernel install --sys-prefix';
  if (kind === 'venv') {
    const program = (name: string) => shellPath(`${environment.folder}/bin/${name}`);
    return `${program('pip')} install ipykernel && ${program('python')} -m ipykernel install --sys-prefix`;
  }
  if (kind === 'conda') {
    const where = condaWhere(environment.name);
    return `conda install ${where} -c conda-forge ipykernel && conda run ${where} ${install}`;
  }
  if (kind === 'uv' || kind === 'poetry' || kind === 'pixi')
    return `${kind} add ipykernel && ${kind} run ${install}`;
  return 'python3 -m pip install ipykernel';
}

/** The command that creates a missing environment, or lists the modules. */
export function makeCommand(environment: Environment): string {
  const { kind } = environment;
  if (kind === 'none') return '';
  if (kind === 'venv')
    return `python3 -m venv ${shellPath(environment.folder)} && ${installCommand(environment)}`;
  if (kind === 'conda') return `conda create ${condaPackages(environment.name)}`;
  if (kind === 'module') return 'module avail';
  if (kind === 'container') return pullCommand(environment.tool, environment.image);
  return `${kind} init && ${installCommand(environment)}`;
}

/** Whether the image of the tool is a file, and not a name. */
function isFile(tool: ContainerTool): boolean {
  return tool === 'apptainer' || tool === 'singularity';
}

function pullCommand(tool: ContainerTool, image: string): string {
  return isFile(tool)
    ? `${tool} pull ${shellPath(image)} docker://NAME`
    : `${tool} pull ${shellQuote(image)}`;
}

function condaPackages(name: string): string {
  return `${condaWhere(name)} -c conda-forge jupyterlab`;
}

function condaWhere(name: string): string {
  return name.includes('/') ? `-p ${shellPath(name)}` : `-n ${shellQuote(name)}`;
}

/** Without quotes around a leading ~, which the shell expands. */
function shellPath(path: string): string {
  return path.startsWith('~/') ? `~/${shellQuote(path.slice(2))}` : shellQuote(path);
}
