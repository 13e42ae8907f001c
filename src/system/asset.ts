import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The path of a file installed with the code, such as a sh script. @param path below src/ and dist/ */
export function assetPath(path: string): string {
  const places = ['../', './'].map((base) => fileURLToPath(new URL(base + path, import.meta.url)));
  const found = places.find((place) => existsSync(place));
  if (!found) throw new Error(`${path} is missing from this installation`);
  return found;
}
