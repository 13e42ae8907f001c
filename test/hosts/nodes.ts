import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TESTERS } from './clean.ts';

/**
 * Where a Node of this major version is: this one, or the npm registry's package `node`, which is Node itself.
 * @param folder where to put it
 * @returns undefined where the registry cannot be reached
 */
export function nodeOfVersion(major: string, folder: string): string | undefined {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const cwd = mkdtempSync(join(folder, 'node-'));
  writeFileSync(join(cwd, 'package.json'), '{}');
  const words = ['install', '--no-audit', '--no-fund', `node@${major}`];
  const env = { ...TESTERS, npm_config_cache: join(cwd, 'cache') };
  const { status } = spawnSync('npm', words, { cwd, env, stdio: 'ignore' });
  return status === 0 ? join(cwd, 'node_modules', 'node', 'bin', 'node') : undefined;
}
