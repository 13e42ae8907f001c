import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from './command.ts';

/** The path of a file installed with the code, such as a sh script. @param path below src/ and dist/ */
export function assetPath(path: string): string {
  const found = [`../${path}`, `./${path}`].map(pathOf).find((place) => existsSync(place));
  if (!found) throw new Error(`${path} is missing from this installation`);
  return found;
}

const NAME = 'remote-notebook';

/** The command that calls this program from any folder: its name if it is installed, otherwise absolute paths. */
export function ownProgram(env: NodeJS.ProcessEnv): Command {
  if ((env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, NAME)))) return [NAME];
  return thisProgram();
}

/** The command that calls exactly this installation, which may not be the one on the PATH. */
export function thisProgram(): Command {
  const bundle = pathOf('./cli.cjs');
  if (existsSync(bundle)) return [process.execPath, bundle];
  return [pathOf('../../node_modules/.bin/tsx'), pathOf('../cli.ts')];
}

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
