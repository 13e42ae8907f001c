import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { makeFolder } from './standing.ts';

/** Login shells, each with the arguments that make it read no start-up file. */
const WITHOUT_START_UP_FILES = {
  dash: [],
  bash: ['--norc', '--noprofile'],
  zsh: ['-f'],
  fish: ['--no-config'],
  tcsh: ['-f'],
} as const;

export type ShellName = keyof typeof WITHOUT_START_UP_FILES;
export const SHELL_NAMES = Object.keys(WITHOUT_START_UP_FILES) as readonly ShellName[];

/** The path of a program on this machine, or undefined. */
export function whereIs(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/** Prints its arguments, each after a zero byte, so that an empty one is visible, too. */
const PRINT_WORDS = `${process.execPath} -e 'for(w of process.argv.slice(1))process.stdout.write(w+String.fromCharCode(0))' --`;

/** The output of a shell that runs a line as sshd passes it: with `-c`. */
export function runLine(
  shell: ShellName,
  line: string,
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): string {
  return execFileSync(shell, [...WITHOUT_START_UP_FILES[shell], '-c', line], {
    ...options,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The words into which a shell splits a piece of a command line. */
export function readWords(shell: ShellName, words: string, env: NodeJS.ProcessEnv = process.env): string[] {
  return runLine(shell, `${PRINT_WORDS} ${words}`, { env }).split('\0').slice(0, -1);
}

/** Names of folders that an unquoted command line would drop, split, expand or run. */
export const AWKWARD_FOLDERS = [
  'two  words ',
  "it's",
  'say "no"',
  '$HOME',
  '`id`',
  'back\\slash\\',
  'wow!',
  'Übung 日本',
  '-rf',
  '+1',
  '~root',
  '=ls',
  '*',
  '{a,b};c#d&e',
  '-all \'of\' "it" $HOME `id` \\ ! é',
] as const;

export type AliasShell = 'bash' | 'zsh' | 'fish';
export const ALIAS_SHELLS: readonly AliasShell[] = ['bash', 'zsh', 'fish'];

/**
 * Runs lines as a script of the shell, in which aliases apply. Its output goes to a file, because background processes
 * would keep a pipe open. Returns that output. Rejects when the last command fails.
 */
export async function runAliases(
  shell: AliasShell,
  lines: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const folder = makeFolder('rn-script-');
  const script = join(folder, 'script');
  const allowed = shell === 'bash' ? ['shopt -s expand_aliases'] : [];
  writeFileSync(script, `${[...allowed, ...lines].join('\n')}\n`);
  const output = openSync(join(folder, 'output'), 'a');
  const child = spawn(shell, [...WITHOUT_START_UP_FILES[shell], script], {
    env,
    cwd: env.HOME,
    stdio: ['ignore', output, output],
    detached: true,
  });
  closeSync(output);
  const [code] = await once(child, 'exit');
  const said = readFileSync(join(folder, 'output'), 'utf8');
  if (code !== 0) throw new Error(`${shell} ended with ${code}: ${said}`);
  return said;
}

/** The output of a line in an interactive shell, which reads its start-up file first. */
export function runInteractive(shell: AliasShell, line: string, env: NodeJS.ProcessEnv): string {
  return execFileSync(shell, ['-i', '-c', line], {
    env,
    cwd: env.HOME,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
