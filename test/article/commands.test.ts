import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { remoteUser } from '../../src/article/article.ts';
import {
  articleLines,
  plainStartCommand,
  plainStopCommand,
  plainTunnelCommand,
} from '../../src/article/commands.ts';
import { makeSpec, type ServerEntry } from '../../src/model/server-spec.ts';
import type { ServerSettings } from '../../src/model/settings.ts';
import { quietContext } from '../../src/system/context.ts';
import { missing } from '../hosts/needs.ts';
import { AWKWARD_FOLDERS, runLine, SHELL_NAMES, type ShellName } from '../hosts/shells.ts';
import { makeFolder } from '../hosts/standing.ts';

const ARTICLE = {
  destination: 'username@remote_server_ip',
  directory: 'rne',
  environment: 'virtual_environment',
  port: 8889,
};

function spec(entry: Partial<ServerEntry> = {}) {
  return makeSpec('n', { ...ARTICLE, ...entry });
}

test('the commands are exactly those of the article, plus -S none', () => {
  assert.deepEqual(plainStartCommand(spec()), [
    'nohup',
    'ssh',
    '-S',
    'none',
    '-f',
    'username@remote_server_ip',
    'cd rne; . virtual_environment/bin/activate; jupyter notebook --no-browser --port=8889',
  ]);
  assert.deepEqual(
    plainTunnelCommand(spec()).join(' '),
    'nohup ssh -S none -N -f -L localhost:8889:localhost:8889 username@remote_server_ip',
  );
  assert.deepEqual(plainStopCommand(spec(), 'username'), [
    'ssh',
    '-S',
    'none',
    'username@remote_server_ip',
    'pkill -u username jupyter',
  ]);
});

test('a different local port, ssh_config or Jupyter command is added in its place', () => {
  const other = spec({ localPort: 9000, command: 'jupyter lab --debug', sshConfig: '/etc/my config' });
  assert.deepEqual(plainTunnelCommand(other).slice(4, 6), ['-F', '/etc/my config']);
  assert.ok(plainTunnelCommand(other).includes('localhost:9000:localhost:8889'));
  assert.match(plainStartCommand(other).at(-1) ?? '', /; jupyter lab --debug --no-browser --port=8889$/);
  assert.match(articleLines(other, 'u', 'port_forward').stop, /^ssh -F '\/etc\/my config' username@/);
});

test('the three commands accept only a venv as the environment', () => {
  for (const environment of ['conda:ml', 'uv'])
    assert.throws(
      () => plainStartCommand(spec({ environment })),
      /the three commands of the article support only a venv as the environment/,
    );
});

test('without a directory and an environment, Jupyter starts in the home folder', () => {
  const bare = spec({ directory: '', environment: '' });
  assert.equal(plainStartCommand(bare).at(-1), 'jupyter notebook --no-browser --port=8889');
});

test('the user on the host is the one in the destination, or else the one that ssh resolves', async () => {
  const context = quietContext({ PATH: '/nowhere' });
  assert.equal(await remoteUser(spec(), context), 'username');
  assert.equal(await remoteUser(spec({ destination: 'ssh://me@host:2222' }), context), 'me');
  await assert.rejects(remoteUser(spec({ destination: 'gpu' }), context), /ssh is not installed/);
});

let home: string;
before(() => {
  home = realpathSync(makeFolder('rn-article-'));
  // Replaces Jupyter: prints its directory, its environment and its arguments.
  writeFileSync(join(home, 'where'), 'pwd -P\nprintf "%s\\n" "$ENTERED" "$@"\n');
});
after(() => rmSync(home, { recursive: true, force: true }));

/** Runs the command that `start` sends to a host in the home folder, as sshd does. */
function runOnHost(shell: ShellName, settings: ServerSettings): string[] {
  const remoteText = plainStartCommand(spec({ ...settings, command: `sh ${home}/where` })).at(-1) ?? '';
  return runLine(shell, remoteText, { cwd: home, env: { ...process.env, HOME: home } })
    .split('\n')
    .slice(0, -1);
}

const OUR_OPTIONS = ['--no-browser', '--port=8889'];

for (const shell of SHELL_NAMES) {
  test(`a login shell ${shell} enters a directory with any of these names`, { skip: missing(shell) }, () => {
    for (const folder of AWKWARD_FOLDERS) {
      mkdirSync(join(home, folder), { recursive: true });
      const path = join(home, folder);
      for (const directory of [folder, path, `~/${folder}`])
        assert.deepEqual(runOnHost(shell, { directory, environment: '' }), [path, '', ...OUR_OPTIONS]);
    }
    assert.equal(runOnHost(shell, { directory: '~', environment: '' })[0], home);
  });

  test(`a login shell ${shell} enters any directory`, { skip: missing(shell) }, () => {
    const name = fc
      .string({
        unit: fc.constantFrom(...'ab \'"$`!\\-~=*?[]{}()<>|&;#%^@+:,.é日🐟'),
        minLength: 1,
        maxLength: 12,
      })
      .filter((folder) => !/^(\.{1,2}|~)$/.test(folder));
    fc.assert(
      fc.property(name, (folder) => {
        mkdirSync(join(home, folder), { recursive: true });
        assert.equal(runOnHost(shell, { directory: folder, environment: '' })[0], join(home, folder));
      }),
      { numRuns: 40 },
    );
  });
}

// A venv's bin/activate is for these shells; tcsh does not even have the command `.`.
for (const shell of SHELL_NAMES.filter((name) => name !== 'tcsh')) {
  test(`a login shell ${shell} enters an environment with any of these names`, {
    skip: missing(shell),
  }, () => {
    for (const folder of AWKWARD_FOLDERS) {
      const path = join(home, folder);
      mkdirSync(join(path, 'bin'), { recursive: true });
      writeFileSync(join(path, 'bin', 'activate'), 'export ENTERED=yes\n');
      for (const environment of [folder, path, `~/${folder}`])
        assert.deepEqual(runOnHost(shell, { directory: '', environment }), [home, 'yes', ...OUR_OPTIONS]);
    }
  });
}
