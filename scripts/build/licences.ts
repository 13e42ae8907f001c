import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A rule between two licences, and its middle as wide as a text usually is. */
const RULE = '-'.repeat(80);

/**
 * The licences of the packages whose files stand in a bundle, in full, as each of them asks.
 * @param files that went into it, by their absolute paths
 * @throws Error when a package has no text of its licence
 */
export function licences(files: readonly string[]): string {
  const folders = new Set(files.flatMap((file) => packageFolder(file) ?? []));
  const parts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const text = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (!text) throw new Error(`${name} has no text of its licence (${license})`);
    return `${RULE}\n${name} ${version} (${license})\n${RULE}\n\n${readFileSync(join(folder, text), 'utf8').trim()}\n`;
  });
  return `remote-notebook has these packages in its bundled files.\n\n${parts.join('\n')}`;
}

/** The nearest folder above a file that is a package; a package.json without a name only says how to read files. */
function packageFolder(file: string): string | undefined {
  if (!file.includes('/node_modules/')) return undefined;
  for (let folder = dirname(file); !folder.endsWith('/node_modules'); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name) return folder;
  }
  return undefined;
}
