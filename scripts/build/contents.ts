import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of this project. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/**
 * What a wheel or an executable has of this project, by path: package.json, the bundle without the types of the library, and
 * the pages that its help names.
 * @param distribution what --version calls it
 */
export function contents(distribution: string): ReadonlyMap<string, Buffer> {
  const { name, version, engines } = MANIFEST;
  const manifest = JSON.stringify({ name, version, type: 'module', engines, distribution });
  return new Map([
    ['package.json', Buffer.from(manifest)],
    ...['dist', 'docs'].flatMap((folder) => filesBelow(folder)),
  ]);
}

function filesBelow(folder: string): [string, Buffer][] {
  const paths = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).sort();
  const isWanted = (path: string) =>
    statSync(join(ROOT, folder, path)).isFile() && !path.startsWith('types/') && !path.endsWith('.png');
  return paths.filter(isWanted).map((path) => [`${folder}/${path}`, readFileSync(join(ROOT, folder, path))]);
}
