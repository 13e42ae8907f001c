import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NAME = 'remote-notebook';

/** The command that calls this program from any folder: its name if it is installed, otherwise absolute paths. */
export function ownProgram(env: NodeJS.ProcessEnv): string[] {
  if ((env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, NAME)))) return [NAME];
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
