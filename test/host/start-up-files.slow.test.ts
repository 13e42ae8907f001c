import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failure } from '../hosts/failure.ts';
import { worldFor, worldPerFile } from '../hosts/lasting.ts';
import { missing, NO_ROOT } from '../hosts/needs.ts';
import { done, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';

/** Start-up files of the login shell that replace the PATH or the shell, or end it. */

const world = await worldPerFile();
/** Another one for servers that start, of which the host keeps a log. */
const living = await worldPerFile();
function write(line: string): void {
  for (const { home } of [world, living]) writeFileSync(join(home, '.bashrc'), `${line}\n`);
}

const ANSWERED = [
  ['replaces the PATH', [], 'PATH=/nowhere'],
  ['unsets the PATH', [], 'unset PATH'],
  ['replaces the shell by zsh', ['zsh'], 'exec zsh -l'],
  ['replaces the shell by bash', [], '[ -n "$AGAIN" ] || AGAIN=yes exec bash -l'],
  ['waits for Enter', [], 'read -p "Press Enter " answer; read -n 1 answer'],
] as const;

for (const [what, needed, line] of ANSWERED) {
  test(`a server starts, is examined and is stopped if a start-up file ${what}`, {
    skip: needed.map(missing).find(Boolean),
  }, async () => {
    write(line);
    await started(living.laptop, '--no-browser', ...(await ports()));
    const { stdout } = await living.laptop.run('doctor', 'loopback', '{F}', '--json');
    const checks: { name: string; verdict: string; found: string }[] = JSON.parse(stdout).checks;
    for (const name of ['login shell', 'directory', 'environment', 'jupyter', 'api'])
      assert.equal(checks.find((check) => check.name === name)?.verdict, 'ok', stdout);
    await done(living.laptop, 'stop');
  });
}

const ON_TERMINAL = 'change that line so that it runs only on a terminal: \\[ -t 0 \\] && ';
const FILE = 'a start-up file of your account there, such as ~/\\.bashrc or ~/\\.zshenv';

const REPLACED = [
  ['fish', 'exec fish'],
  ['tcsh', 'exec tcsh'],
  ['tmux', 'exec tmux'],
  ['python3', 'exec python3'],
] as const;

for (const [program, line] of REPLACED) {
  test(`a start-up file that replaces the shell by ${program} is reported, with a way to keep both`, {
    skip: missing(program),
  }, async () => {
    write(line);
    const expected = `loopback did not run our script: ${program} runs instead of /bin/sh`;
    assert.match(
      await failure(world, 'loopback'),
      new RegExp(
        `^Error: ${expected}\nFind the line that starts it in ${FILE}, and ${ON_TERMINAL}exec ${program}\\.`,
      ),
    );
    const { stdout } = await world.laptop.run('doctor', 'loopback', '{F}');
    assert.match(stdout, new RegExp(`login shell +${expected}`));
  });
}

test('a start-up file that ends the shell is reported', async () => {
  write('exit 0');
  assert.match(
    await failure(world, 'loopback'),
    new RegExp(
      `^Error: loopback did not run our script: its shell ended before that, with status 0\nEither its shell runs no commands, as /bin/false does\\. Or ${FILE}, ends the shell with exit or exec: ${ON_TERMINAL}exit`,
    ),
  );
});

test('a start-up file that reads our script from standard input is reported, and nothing of the script runs', async () => {
  write('for each in 1 2 3 4 5 6 7 8 9 10 11; do read line; done');
  assert.match(
    await failure(world, 'loopback'),
    /^Error: a start-up file on loopback reads the standard input, on which our script arrives\nIn .*, find the command that reads its input, and change the line so that it runs only on a terminal: /,
  );
});

test('a tool that is missing on the host is reported', { skip: NO_ROOT }, async (context) => {
  const hide = 'mount --bind /dev/null "$(command -v cksum)" && exec "$@"';
  const machine = { address: '127.0.0.1', enter: ['unshare', '--mount', 'sh', '-c', hide, 'sh'] };
  const other = await worldFor(context, { machine });
  const expected =
    /cksum is not installed on loopback, or not on its PATH, and our scripts need it\n *Install it there, or fix the PATH/;
  assert.match(await failure(other, 'loopback'), expected);
  assert.match(
    (await other.laptop.run('doctor', 'loopback', '{F}')).stdout,
    /✗ tools +cksum is not installed/,
  );
});

test('a folder that cannot be written is reported with the reason', { skip: NO_ROOT }, async (context) => {
  const file = join(world.home, 'a file');
  writeFileSync(file, '');
  const other = await worldFor(context, { environment: { XDG_STATE_HOME: join(file, 'state') } });
  assert.match(
    await failure(other, 'loopback'),
    /^Error: cannot write to .* on loopback: mkdir: cannot create directory .*: Not a directory\n/,
  );
});
