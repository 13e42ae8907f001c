import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TESTERS } from '../clean.ts';
import { missing, NO_ROOT, outside } from '../needs.ts';
import type { Machine } from '../sshd.ts';

const MAKE = fileURLToPath(new URL('make.sh', import.meta.url));
const ENTER = fileURLToPath(new URL('enter.sh', import.meta.url));
const NAMESPACES = ['unshare', '--mount', '--pid', '--fork', '--kill-child'];

const cache = join(TESTERS.XDG_CACHE_HOME || join(userInfo().homedir, '.cache'), 'remote-notebook-tests');
const recipe = createHash('sha256').update(readFileSync(MAKE)).digest('hex').slice(0, 12);
const root = join(cache, `debian13-${recipe}`);

/** For a test's `skip`: why this machine cannot have a Debian 13. */
export const NO_DEBIAN_13 = NO_ROOT || (!existsSync(root) && (missing('debootstrap') || mirrorFails()));

function mirrorFails(): string | false {
  const url = mirror();
  if (!url) return 'the sources of apt name no mirror of Debian';
  const words = ['-q', '--spider', '-T', '30', '-t', '2', `${url}dists/trixie/Release`];
  const { status } = spawnSync('wget', words, { env: TESTERS });
  return status !== 0 && outside(`${url} is not reached`);
}

/**
 * A Debian 13 (JupyterLab 4.0, jupyter_server 2.15, notebook 6.4) on this machine's network, for an sshd. When the sshd
 * ends, everything that was started there ends. The Debian shares this machine's temporary folder. It is built once, in
 * three or four minutes, and kept in the user's cache until its recipe changes.
 */
export async function debian13(): Promise<{ machine: Machine }> {
  mkdirSync(cache, { recursive: true });
  const make = [cache, ...NAMESPACES, 'sh', MAKE, root, mirror() ?? ''];
  await promisify(execFile)('flock', make, { maxBuffer: 2 ** 26, env: TESTERS });
  const enter = ['flock', '--shared', '--no-fork', root, ...NAMESPACES, 'sh', ENTER, root, tmpdir()];
  return { machine: { address: '127.0.0.1', enter } };
}

/** The mirror from which this machine gets its own packages. */
function mirror(): string | undefined {
  const format = '$(REPO_URI) $(RELEASE) $(ORIGIN)';
  const list = execFileSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const rows = list.split('\n').map((line) => line.split(' '));
  const [uri] = rows.find(([, release, origin]) => origin === 'Debian' && !release?.includes('-')) ?? [];
  return uri;
}
