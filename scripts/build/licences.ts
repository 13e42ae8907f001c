import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const RULE = '-'.repeat(80);

/**
 * The full licences of the bundled packages, as the licences require.
 * @param files the absolute paths of the bundled files
 * @throws Error when a package contains no licence
 */
export function licences(files: readonly string[]): string {
  const folders = new Set(files.flatMap((file) => packageFolder(file) ?? []));
  const parts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const text = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (!text) throw new Error(`${name} contains no licence (${license})`);
    return `${RULE}\n${name} ${version} (${license})\n${RULE}\n\n${readFileSync(join(folder, text), 'utf8').trim()}\n`;
  });
  return `The bundled files of remote-notebook contain these packages.\n\n${parts.join('\n')}`;
}

/** The nearest folder above a file with a package.json that has a name; others only set the module type. */
function packageFolder(file: string): string | undefined {
  if (!file.includes('/node_modules/')) return undefined;
  for (let folder = dirname(file); !folder.endsWith('/node_modules'); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name) return folder;
  }
  return undefined;
}
