import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Puts the stand-in of a tool at a path, under whose name it is called: micromamba is conda's. For tools that the
 * tests cannot install; what they do is what the tool's documentation says.
 */
export function standIn(
  tool: 'conda' | 'uv' | 'pixi' | 'nvidia-smi' | 'busctl' | 'quota' | 'ssh',
  path: string,
): void {
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(fileURLToPath(new URL(`stand-ins/${tool}-stand-in.sh`, import.meta.url)), path);
}
