import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing, NO_ROOT } from '../needs.ts';
import { makeFolder } from '../standing.ts';

/** For a test's `skip`: why this machine cannot make the file system of an image. */
export const NO_IMAGE = NO_ROOT || missing('dpkg');
export const NO_PODMAN = NO_IMAGE || missing('podman');

/** Makes the file system of an image with Jupyter in a new folder, in some seconds. */
export function makeFileSystem(): string {
  const folder = join(makeFolder('image-'), 'root');
  execFileSync('sh', [fileURLToPath(new URL('file-system.sh', import.meta.url)), folder]);
  return folder;
}

/** A podman with its own store. */
export interface Podman {
  /** The variables that lead podman to its store. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs podman with these words, and returns what it prints. */
  run(...words: readonly string[]): string;
  /** Imports a file system as an image of this name. */
  import(folder: string, name: string): void;
  /** Removes its store, which contains mounts. */
  remove(): void;
}

/** Limits of processes that need no privilege, which this machine may lack. */
const LIMITS = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n';

export function makePodman(): Podman {
  const folder = makeFolder('podman-');
  const store = (name: string) => JSON.stringify(join(folder, name));
  const files = {
    CONTAINERS_CONF: LIMITS,
    CONTAINERS_STORAGE_CONF: `[storage]\ndriver = "overlay"\ngraphroot = ${store('images')}\nrunroot = ${store('run')}\n`,
  };
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const environment = Object.fromEntries(Object.keys(files).map((name) => [name, join(folder, name)]));
  const run = (...words: readonly string[]) =>
    execFileSync('podman', words, {
      env: { ...process.env, ...environment },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  return {
    environment,
    run,
    import: (root, name) => {
      const tar = 'tar -C "$1" -c . | podman import --quiet - "$2"';
      execFileSync('sh', ['-c', tar, 'sh', root, name], {
        env: { ...process.env, ...environment },
        stdio: 'pipe',
      });
    },
    remove: () => {
      run('rm', '--all', '--force');
      run('rmi', '--all', '--force');
      execFileSync('sh', ['-c', 'umount "$1" 2>/dev/null || :', 'sh', join(folder, 'images', 'overlay')]);
    },
  };
}
