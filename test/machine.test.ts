import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NO_ROOT } from './hosts/needs.ts';
import { standIn } from './hosts/stand-ins.ts';
import { makeFolder } from './hosts/standing.ts';
import { eventually } from './hosts/world.ts';

const SCRIPT = fileURLToPath(new URL('../scripts/setup/machine.sh', import.meta.url));

/** A PATH with few programs, and apt-get and systemctl stand-ins. */
function barePath(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['sh', 'sed', 'id', 'mktemp', 'tail', 'cat', 'rm', 'touch', 'sleep']) {
    const path = execFileSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).trim();
    symlinkSync(path, join(bin, name));
  }
  for (const tool of ['apt-get', 'systemctl'] as const) standIn(tool, join(bin, tool));
  return bin;
}

test('make demo shows each step of an installation as it happens, and turns off the sshd that comes with it', {
  skip: NO_ROOT,
}, async () => {
  const folder = makeFolder();
  const [goOn, asked] = [join(folder, 'go-on'), join(folder, 'asked')];
  const env = { PATH: barePath(folder), TMPDIR: folder, GO_ON: goOn, ASKED: asked };
  // The sshd of this machine is hidden from the script.
  const hidden = 'mount --bind /dev/null "$(command -v sshd || echo /usr/sbin/sshd)" && exec env -i "$@"';
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const words = ['--mount', 'sh', '-c', hidden, 'sh', ...variables, '/bin/sh', SCRIPT, 'demo'];
  const child = spawn('unshare', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let shown = '';
  child.stderr.on('data', (chunk: Buffer) => {
    shown += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await eventually('a step is shown while the next one has not begun', () => /Unpacking.*\n/.test(shown));
  assert.match(
    shown,
    /^Installing \(these stay installed\):.* openssh-server.*\nopenssh-server starts an sshd on port 22, .* turned off again\.\n {2}Get:1 .*\n {2}Unpacking openssh-server .*\n$/,
  );
  writeFileSync(goOn, '');
  assert.equal(await ended, 0, shown);
  assert.match(shown, /\n {2}Setting up openssh-server .*\n$/);
  assert.deepEqual(readFileSync(asked, 'utf8').trimEnd().split('\n'), [
    'disable --now ssh.socket',
    'disable --now ssh.service',
    'is-active --quiet ssh.service',
  ]);
});
