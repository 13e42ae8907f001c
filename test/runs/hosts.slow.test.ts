import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { isName } from '../../src/model/server-spec.ts';
import { withAccount } from '../hosts/accounts.ts';
import { notebookOf } from '../hosts/driver.ts';
import { worldFor } from '../hosts/lasting.ts';
import { missing, NO_ACCOUNTS, NO_PROC } from '../hosts/needs.ts';
import {
  begun,
  json,
  largeNotebook,
  printedIn,
  readNotebook,
  runOf,
  untilEnded,
  writeNotebook,
} from '../hosts/runs.ts';
import { done, stderrOf } from '../hosts/servers.ts';
import type { ShellName } from '../hosts/shells.ts';
import type { World } from '../hosts/world.ts';

/** Hosts with unusual login shells, limits and names. None of their sshd offers sftp. */

/** The file that each shell reads in every session, and what it contains: output with and without a line break, and on stderr. */
const CHATTY: Readonly<Record<ShellName, readonly [file: string, text: string]>> = {
  // It reads no file in such a session.
  dash: ['.profile', ''],
  bash: ['.bashrc', 'echo "Welcome to the cluster"; echo quota >&2; printf half\n'],
  zsh: ['.zshenv', 'echo "Welcome to the cluster"; echo quota >&2; printf half\n'],
  fish: ['.config/fish/config.fish', 'echo "Welcome to the cluster"; echo quota >&2; printf half\n'],
  tcsh: ['.tcshrc', 'echo "Welcome to the cluster"\nprintf half\n'],
};

async function comesHomeExactly(world: World, name: string): Promise<void> {
  const { laptop } = world;
  const path = writeNotebook(laptop, `${name}.ipynb`, largeNotebook(200_000, 'print("é ✓", end="!")'));
  const stdout = await done(laptop, 'run', path, 'loopback', '{F}', '--wait');
  assert.equal(stdout, '--- cell 1 of 1: print("é ✓", end="!")\né ✓!\n');
  const result = path.replace('.ipynb', '.out.ipynb');
  const { folder } = (await runOf(laptop, `${name}-1`)) ?? { folder: '' };
  assert.ok(readFileSync(result).equals(readFileSync(join(folder, 'output.ipynb'))), 'each byte is the same');
  assert.equal(printedIn(readNotebook(result)), 'é ✓!');
}

describe('a run', { concurrency: 2, skip: NO_PROC }, () => {
  for (const [shell, [file, text]] of Object.entries(CHATTY)) {
    const skip = NO_ACCOUNTS || missing(shell);
    test(`comes home byte for byte from a host whose login shell is ${shell}, and greets`, { skip }, () =>
      withAccount(shell, async (account, world) => {
        const path = join(account.home, file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
        execFileSync('chown', ['-R', `${account.uid}:${account.gid}`, account.home]);
        await comesHomeExactly(world, shell);
      }),
    );
  }

  test('works on a host that allows one session at a time', async (context) => {
    const world = await worldFor(context, { sshdConfig: ['MaxSessions 1'] });
    await comesHomeExactly(world, 'single');
    const path = writeNotebook(world.laptop, 'two.ipynb', notebookOf('print(open("data.txt").read())'));
    writeFileSync(join(dirname(path), 'data.txt'), 'sent with it');
    const sent = ['--with', join(dirname(path), 'data.txt')];
    assert.match(
      await done(world.laptop, 'run', path, 'loopback', '{F}', '--wait', ...sent),
      /^sent with it$/m,
    );
    await begun(world, 'stopped');
    assert.equal((await json<{ outcome: string }>(world.laptop, 'stop', 'stopped-1')).outcome, 'cancelled');
  });

  test('of a notebook with any name comes home beside it', async (context) => {
    const world = await worldFor(context);
    const { laptop } = world;
    for (const name of [
      `-x it's "é" $HOME ✓`,
      '--help',
      'two\nlines',
      '.hidden',
      '日本',
      `${'long'.repeat(50)}`,
    ]) {
      const path = writeNotebook(laptop, `${name}.ipynb`, notebookOf('print("here")'));
      // As it is typed in another folder than that of the notebook.
      const typed = relative(process.cwd(), path);
      const { name: run, state } = await json<{ name: string; state: string }>(
        laptop,
        'run',
        typed,
        'loopback',
        '{F}',
      );
      assert.match(state, /^(running|done)$/);
      assert.ok(isName(run), run);
      await untilEnded(world, run);
      const fetched = await done(laptop, 'fetch', run);
      const result = `${path.slice(0, -'.ipynb'.length)}.out.ipynb`;
      assert.equal(fetched, `${result}\n`);
      assert.equal(printedIn(readNotebook(result)), 'here\n');
    }
  });

  test('of a notebook on the host with any name is executed beside it, or refused before it starts', async (context) => {
    const world = await worldFor(context);
    const folder = join(world.home, `-e it's "é" $HOME`);
    mkdirSync(folder);
    const name = `-x 'it' "é" ✓.ipynb`;
    const source = 'import os; print(sorted(os.listdir()))';
    for (const each of [name, 'two\nlines.ipynb'])
      writeFileSync(join(folder, each), JSON.stringify(notebookOf(source)));
    const { name: run } = await json<{ name: string }>(
      world.laptop,
      'run',
      `loopback:${folder}/${name}`,
      '{F}',
    );
    assert.equal((await untilEnded(world, run)).state, 'done');
    const half = join(String(world.laptop.env.HOME), 'named.ipynb');
    await done(world.laptop, 'fetch', run, '--output', half);
    assert.match(printedIn(readNotebook(half)), /two/);
    const before = readdirSync(join(world.home, '.local/state/remote-notebook/runs'));
    const words = ['run', `loopback:${folder}/two\nlines.ipynb`, '{F}'];
    assert.match(await stderrOf(1, world.laptop, ...words), /control character|line break/);
    assert.deepEqual(readdirSync(join(world.home, '.local/state/remote-notebook/runs')), before);
  });
});
