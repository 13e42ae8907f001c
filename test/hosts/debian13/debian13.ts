import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { whereIs } from '../shells.ts';
import type { Machine } from '../sshd.ts';

const MAKE = fileURLToPath(new URL('make.sh', import.meta.url));
const ENTER = fileURLToPath(new URL('enter.sh', import.meta.url));
const NAMESPACES = ['unshare', '--mount', '--pid', '--fork', '--kill-child'];

/** Why there can be no Debian 13 here; undefined where there can. */
export function debian13Lacks(): string | undefined {
  if (process.platform !== 'linux') return 'a Debian 13 needs Linux';
  if (process.getuid?.() !== 0) return 'only root makes a Debian 13';
  if (!whereIs('debootstrap')) return 'debootstrap is not installed';
  return mirror() ? undefined : 'the sources of apt name no mirror of Debian';
}

/**
 * A Debian 13 (JupyterLab 4.0, jupyter_server 2.15, notebook 6.4) on this machine's network, for an sshd: with the
 * sshd all ends that was started there. This machine's temporary folder is there, too. It is made once, in three or
 * four minutes, and kept in the user's cache until its recipe changes.
 */
export async function makeDebian13(): Promise<Machine> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'remote-notebook-tests');
  mkdirSync(cache, { recursive: true });
  const recipe = createHash('sha256').update(readFileSync(MAKE)).digest('hex').slice(0, 12);
  const root = join(cache, `debian13-${recipe}`);
  const make = [cache, ...NAMESPACES, 'sh', MAKE, root, mirror() ?? ''];
  await promisify(execFile)('flock', make, { maxBuffer: 2 ** 26 });
  return {
    address: '127.0.0.1',
    enter: ['flock', '--shared', '--no-fork', root, ...NAMESPACES, 'sh', ENTER, root, tmpdir()],
  };
}

/** The mirror that this machine itself has its Debian from. */
function mirror(): string | undefined {
  const format = '$(REPO_URI) $(RELEASE) $(ORIGIN)';
  const list = execFileSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const rows = list.split('\n').map((line) => line.split(' '));
  const [uri] = rows.find(([, release, origin]) => origin === 'Debian' && !release?.includes('-')) ?? [];
  return uri;
}
