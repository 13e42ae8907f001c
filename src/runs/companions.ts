import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { attempt, UsageError } from '../system/errors.ts';

/** Files and folders that go to the host with a notebook, relative to its folder, and have the same place in the directory there. */
export interface Companions {
  readonly folder: string;
  readonly names: readonly string[];
}

/**
 * The files and folders that the user has named.
 * @param notebook an absolute path
 * @param paths relative to the current directory, or absolute
 * @throws UsageError when one of them does not exist, or is not below the folder of the notebook
 */
export function companionsOf(notebook: string, paths: readonly string[]): Companions {
  const folder = dirname(notebook);
  const names = paths.map((path) => {
    if (!existsSync(path)) throw new UsageError(`cannot send ${path}: it does not exist`);
    const name = relative(folder, resolve(path));
    if (name === '' || name === '..' || name.startsWith(`..${sep}`))
      throw new UsageError(`cannot send ${path}: it is not below ${folder}, the folder of the notebook`, {
        remedy:
          'It gets the same place in the directory on the host. Copy it there yourself, for example with rsync.',
      });
    if (/\p{Cc}/u.test(name))
      throw new UsageError(`cannot send ${path}: its name contains a control character`);
    return name;
  });
  return { folder, names: [...new Set(names)] };
}

/** Maximum number of names that are looked for on the host. */
const MAX_NAMES = 50;

/**
 * What the cells of a notebook seem to need of its own folder, and is there: the modules that they import, and the paths in their
 * quoted texts. Relative to that folder, without what is sent.
 */
export function namesBeside(notebook: string, json: Buffer, { names: sent }: Companions): string[] {
  const folder = dirname(notebook);
  const code = codeOf(json);
  const modules = [...code.matchAll(IMPORT)].flatMap(([, many, one]) => (many ?? one ?? '').split(','));
  const roots = modules.map((module) => module.trim().split(/[.\s]/)[0] ?? '').filter((root) => root !== '');
  const quoted = [...code.matchAll(QUOTED)].map(([, , text = '']) => text);
  const candidates = [...roots.flatMap((root) => [`${root}.py`, root]), ...quoted];
  const found = candidates.flatMap((candidate) => {
    const name = relative(folder, resolve(folder, candidate));
    const isBelow = name !== '' && !name.startsWith('..') && !candidate.startsWith(sep);
    return isBelow && !/\p{Cc}/u.test(name) && existsSync(join(folder, name)) ? [name] : [];
  });
  const isSent = (name: string) => sent.some((each) => name === each || name.startsWith(`${each}${sep}`));
  return [...new Set(found)].filter((name) => !isSent(name)).slice(0, MAX_NAMES);
}

const IMPORT = /^[ \t]*(?:import[ \t]+([^#\n;]+)|from[ \t]+([\w.]+)[ \t]+import\b)/gm;
const QUOTED = /(['"])((?:(?!\1)[^\\\n]){1,200})\1/g;

/** The sources of all code cells; empty if it is not a notebook, which the host reports. */
function codeOf(json: Buffer): string {
  const notebook: unknown = attempt(() => JSON.parse(json.toString('utf8').replace(/^\ufeff/, '')));
  const cells = (notebook as { cells?: unknown } | null | undefined)?.cells;
  if (!Array.isArray(cells)) return '';
  return cells
    .filter((cell) => cell?.cell_type === 'code')
    .map(({ source }) => [source].flat().join(''))
    .join('\n');
}
