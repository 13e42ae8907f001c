import { readFileSync } from 'node:fs';

/** The package.json one folder above this file, both in the source and when bundled. */
function manifest(): { readonly version: string; readonly distribution?: string } {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
}

/** The version in package.json. */
export function version(): string {
  return manifest().version;
}

/** The version, and how this copy was installed: from a wheel, from the tarball of npm, or not at all, in a clone. */
export function versionAndKind(): string {
  const { version, distribution } = manifest();
  const kind = distribution ?? (import.meta.url.includes('/node_modules/') ? 'tarball' : 'clone');
  return `${version} (${kind})`;
}
