import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TESTERS } from './clean.ts';

/**
 * The path of a Node of this major version: this one, or the package `node` of the npm registry, which is Node itself.
 * @param folder where to install it
 * @returns undefined if the registry cannot be reached
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
