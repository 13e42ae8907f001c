import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../system/errors.ts';
import { configurationFolder, homeFolder } from '../system/paths.ts';
import { changeUserFile } from '../system/user-file.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What we write for shells, each in a marked block of its own. */
export type BlockName = 'aliases' | 'completion';

/**
 * The given shell, else the one in $SHELL.
 * @param remedy how to specify a shell
 * @throws UsageError when it is not supported
 */
export function shellFor(named: string | undefined, env: NodeJS.ProcessEnv, remedy: string): Shell {
  const shell = named === undefined ? shellOf(env) : SHELLS.find((known) => known === named);
  if (shell) return shell;
  throw named === undefined
    ? new UsageError('your shell ($SHELL) is not bash, zsh or fish', { remedy })
    : new UsageError(`"${named}" is not bash, zsh or fish`);
}

/** The shell in $SHELL, if it is supported. */
export function shellOf(env: NodeJS.ProcessEnv): Shell | undefined {
  return SHELLS.find((known) => known === env.SHELL?.split('/').at(-1));
}

/** The file from which an interactive shell reads such a block: bash(1), zsh(1), fish(1). */
export function startUpFile(name: BlockName, shell: Shell, env: NodeJS.ProcessEnv): string {
  if (shell === 'bash') return join(homeFolder(env), '.bashrc');
  if (shell === 'zsh') return join(env.ZDOTDIR || homeFolder(env), '.zshrc');
  const fish = join(configurationFolder(env), 'fish');
  return join(fish, name === 'completion' ? 'completions/remote-notebook.fish' : 'config.fish');
}

/**
 * Replaces the lines of the block in the shell's file; no lines remove it. A backup of the file is kept next to it.
 * @returns the file, or undefined when nothing had to be changed
 * @throws Failure when the file cannot be written
 */
export async function installBlock(
  name: BlockName,
  lines: readonly string[],
  shell: Shell,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const file = startUpFile(name, shell, env);
  const changed = await changeUserFile(file, false, (text) => withBlock(name, text, lines));
  // Fish reads completions from a file that contains nothing else.
  if (changed?.text === '' && shell === 'fish' && name === 'completion') rmSync(changed.path);
  return changed?.path;
}

/** Puts the block into the text of a start-up file, in place of an older one; no lines remove it. */
export function withBlock(name: BlockName, text: string, lines: readonly string[]): string {
  const begin = `# >>> remote-notebook ${name} >>>`;
  const end = `# <<< remote-notebook ${name} <<<`;
  // A begin mark without an end mark is not a block.
  const present = new RegExp(`^${begin}\\n(?:(?!${begin}).*\\n)*?${end}$\\n?`, 'm');
  const block = lines.length === 0 ? '' : `${[begin, ...lines, end].join('\n')}\n`;
  if (present.test(text)) return text.replace(present, () => block);
  return block === '' || text === '' || text.endsWith('\n') ? text + block : `${text}\n${block}`;
}
