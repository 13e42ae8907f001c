import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, readdirSync, symlinkSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder } from './standing.ts';

/** The top of this project. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The package as users get it: packed, and installed into an empty folder. */
export interface Package {
  /** A folder for other things that a test installs. */
  readonly folder: string;
  readonly tarball: string;
  /** The folder in which `npm install --global` has put the command. */
  readonly prefix: string;
}

export function installPackage(env: NodeJS.ProcessEnv): Package {
  const folder = makeFolder('rn-package-');
  const prefix = join(folder, 'prefix');
  const tarball = pack(folder, env);
  output(['npm', 'install', '--global', '--offline', `--prefix=${prefix}`, tarball], { env });
  return { folder, tarball, prefix };
}

/** Packs a copy, because packing runs the build. */
function pack(folder: string, env: NodeJS.ProcessEnv): string {
  const copy = join(folder, 'copy');
  const isCopied = (path: string) => !/^(node_modules|dist.*|\.git)$/.test(basename(path));
  cpSync(ROOT, copy, { recursive: true, filter: isCopied });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  output(['npm', 'pack', '--pack-destination', folder], { env, cwd: copy });
  const [name = ''] = readdirSync(folder).filter((entry) => entry.endsWith('.tgz'));
  return join(folder, name);
}

/** How a command is run. */
export interface Way {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The Node that is first on the PATH. */
  readonly node?: string;
}

/** Runs a command to its end. */
export function run(
  [program = '', ...args]: readonly string[],
  { env, cwd = '/', node = process.execPath }: Way,
): SpawnSyncReturns<string> {
  const PATH = [dirname(node), env.PATH].join(delimiter);
  return spawnSync(program, args, { cwd, env: { ...env, PATH }, encoding: 'utf8' });
}

/** Runs a command that must succeed, and returns its standard output. */
export function output(words: readonly string[], way: Way): string {
  const { status, stdout, stderr } = run(words, way);
  assert.equal(status, 0, `${words.join(' ')}\n${stderr}`);
  return stdout;
}
