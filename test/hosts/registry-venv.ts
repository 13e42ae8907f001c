import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLEAN, TESTERS } from './clean.ts';
import { missing, outside } from './needs.ts';
import type { WorldOptions } from './world.ts';

/** The system's own Python. The tester's PATH may have another one. */
export const PYTHON = '/usr/bin/python3';
const MAKE = fileURLToPath(new URL('registry-venv.sh', import.meta.url));

/** What lasts longer than a test. */
export const cache = join(
  TESTERS.XDG_CACHE_HOME || join(userInfo().homedir, '.cache'),
  'remote-notebook-tests',
);

/** A venv with packages of today from the Python registry that this machine's pip uses. */
export interface RegistryVenv {
  readonly folder: string;
  /** For a test's `skip`: why this machine cannot install them. */
  readonly missing: string | false;
}

/** Makes the venv the first time, in 20 seconds or more. */
export function registryVenv(name: string, packages: readonly string[]): RegistryVenv {
  // The versions are not pinned: they are those of the month in which the venv is made.
  const recipe = [...packages, outputOf(PYTHON, '--version'), new Date().toISOString().slice(0, 7)].join(' ');
  const hash = createHash('sha256').update(recipe).digest('hex').slice(0, 12);
  const folder = join(cache, `${name}-${hash}`);
  return { folder, missing: whyNot(name, folder, packages) };
}

function whyNot(name: string, folder: string, packages: readonly string[]): string | false {
  if (existsSync(join(folder, 'complete'))) return false;
  const reason = missing('flock') || (!existsSync(PYTHON) && `${PYTHON} is not there`);
  if (reason) return reason;
  mkdirSync(cache, { recursive: true });
  const words = [join(cache, `${name}.lock`), 'sh', MAKE, folder, PYTHON, ...packages];
  const { status, stderr } = spawnSync('flock', words, { env: TESTERS, encoding: 'utf8' });
  if (status === 0) return false;
  const cause = stderr.trim().split('\n').at(-1);
  return outside(`pip cannot install ${packages.join(', ')} from its registry: ${cause}`);
}

/** What a program prints in the tester's environment. */
export function outputOf(program: string, ...words: readonly string[]): string {
  return spawnSync(program, words, { env: TESTERS, encoding: 'utf8' }).stdout ?? '';
}

/** For a host whose PATH begins with the programs of the venv. */
export function withVenv({ folder }: RegistryVenv): WorldOptions {
  return { environment: { PATH: pathWith(folder) } };
}

export function pathWith(folder: string): string {
  return [join(folder, 'bin'), CLEAN.PATH].join(delimiter);
}
