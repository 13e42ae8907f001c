import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type Account, withAccount } from '../hosts/accounts.ts';
import { missing, NO_ACCOUNTS } from '../hosts/needs.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { done, stderrOf } from '../hosts/servers.ts';
import type { ShellName } from '../hosts/shells.ts';
import { ports } from '../hosts/sshd.ts';
import { standIn } from '../hosts/stand-ins.ts';
import { makeFolder } from '../hosts/standing.ts';
import { makeVenv, writeJupyter } from '../hosts/venv.ts';
import { eventually, type World } from '../hosts/world.ts';

/** A Jupyter that is only on the PATH of a login shell which reads its start-up files as on a terminal. */

/** The file that each shell reads on a terminal, and a text that prints something and adds a folder to its PATH. */
const START_UP: Readonly<Record<ShellName, readonly [file: string, text: (folder: string) => string]>> = {
  dash: [
    '.profile',
    (folder) => `printf 'welcome to dash '\nPATH="${folder}:$PATH" FROM_FILE=yes\nexport PATH FROM_FILE\n`,
  ],
  // Debian's .bashrc ends before this point in shells that are not interactive.
  bash: [
    '.bashrc',
    (folder) => `printf 'welcome '\nsleep 1000 &\nexport PATH="${folder}:$PATH" FROM_FILE=yes\n`,
  ],
  zsh: ['.zshrc', (folder) => `printf 'welcome '; read -q\nexport PATH="${folder}:$PATH" FROM_FILE=yes\n`],
  fish: [
    '.config/fish/config.fish',
    (folder) =>
      `status is-interactive; or exit\necho -n welcome\nset -gx PATH "${folder}" $PATH\nset -gx FROM_FILE yes\n`,
  ],
  tcsh: ['.login', (folder) => `printf 'welcome '\nsetenv PATH "${folder}:$PATH"\nsetenv FROM_FILE yes\n`],
};

/** All of /usr/bin but Jupyter, as the PATH of a machine whose system has none. */
function withoutJupyter(): string {
  const folder = makeFolder('rn-path-');
  for (const name of readdirSync('/usr/bin').filter((name) => !name.startsWith('jupyter')))
    symlinkSync(join('/usr/bin', name), join(folder, name));
  chmodSync(folder, 0o755);
  return folder;
}

async function withHost(
  shell: string,
  use: (account: Account, world: World) => Promise<void>,
): Promise<void> {
  const path = withoutJupyter();
  try {
    await withAccount(shell, use, { PATH: path });
  } finally {
    rmSync(path, { recursive: true });
  }
}

/** Adds text to a start-up file of the account, which may already exist. */
function append(account: Account, file: string, text: string): void {
  const path = join(account.home, file);
  const made = mkdirSync(dirname(path), { recursive: true });
  appendFileSync(path, text);
  execFileSync('chown', ['-R', `${account.uid}:${account.gid}`, made ?? path]);
}

/** Installs a Jupyter in a folder of the account. */
function installJupyter(account: Account, folder: string): string {
  const path = join(account.home, folder);
  mkdirSync(path, { recursive: true });
  writeJupyter(path, '/usr/bin/python3');
  execFileSync('chown', [
    '-R',
    `${account.uid}:${account.gid}`,
    join(account.home, folder.split('/')[0] ?? ''),
  ]);
  return path;
}

async function started(
  { laptop }: World,
  ...more: string[]
): Promise<{ jupyter: { pid: number; command: string }; stderr: string }> {
  const words = ['start', 'loopback', '{F}', '--no-browser', ...(await ports()), ...more];
  const stderr = await stderrOf(0, laptop, ...words);
  const { stdout } = await laptop.run('status', '--json');
  return { jupyter: JSON.parse(stdout).servers[0].jupyter, stderr };
}

const commandLine = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');

for (const [shell, [file, text]] of Object.entries(START_UP)) {
  test(
    `a Jupyter that only the login shell ${shell} finds is found, even if the shell prints a greeting`,
    {
      skip: NO_ACCOUNTS || missing(shell),
    },
    () =>
      withHost(shell, async (account, world) => {
        const folder = installJupyter(account, 'my apps/bin');
        append(account, file, text(folder));
        const { jupyter: server } = await started(world);
        assert.ok(
          commandLine(server.pid).includes(join(folder, 'jupyter-notebook')),
          String(commandLine(server.pid)),
        );
        assert.match(readFileSync(`/proc/${server.pid}/environ`, 'utf8'), /\0FROM_FILE=yes\0/);
        assert.doesNotMatch(readFileSync(`/proc/${server.pid}/environ`, 'utf8'), /REMOTE_NOTEBOOK_ENTERED/);
        await done(world.laptop, 'stop');
        assert.ok(!account.processes().includes(server.pid));
      }),
  );
}

test('a conda in an unusual place is found if the login shell knows it', { skip: NO_ACCOUNTS }, () =>
  withHost('bash', async (account, world) => {
    const root = join(account.home, 'my tools/conda');
    standIn('conda', join(root, 'bin/conda'));
    makeVenv(join(root, 'envs/ml'));
    mkdirSync(join(root, 'envs/ml/conda-meta'));
    append(account, '.bashrc', `export CONDA_EXE="${join(root, 'bin/conda')}"\n`);
    const { jupyter: server } = await started(world, '--environment', 'conda:ml');
    assert.equal(commandLine(server.pid)[0], join(root, 'envs/ml/bin/python'));
  }),
);

test(
  'a start-up file that hangs is ended soon, and the usual places are searched',
  {
    skip: NO_ACCOUNTS,
  },
  () =>
    withHost('bash', async (account, world) => {
      append(account, '.profile', 'sleep 1234\n');
      const folder = installJupyter(account, '.local/bin');
      const { jupyter: server, stderr } = await started(world);
      assert.match(
        stderr,
        /cannot read the variables of your login shell on the host \(.*bash\): check its start-up files\n/,
      );
      assert.ok(commandLine(server.pid).includes(join(folder, 'jupyter-notebook')));
      await eventually('it has ended', () =>
        account.processes().every((pid) => commandLineOf(pid) !== 'sleep 1234'),
      );
    }),
);

test('the login shell is not run if Jupyter is on the PATH', { skip: NO_ACCOUNTS }, () =>
  withAccount('bash', async (account, world) => {
    append(account, '.profile', `touch "$HOME/was asked"\n`);
    await started(world);
    assert.ok(!readdirSync(account.home).includes('was asked'));
  }),
);
