import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Failure, UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What is written for shells; each has a marked block of its own. */
export type BlockName = 'aliases' | 'completion';

/**
 * The shell that is named, else the one in $SHELL.
 * @param remedy how to name one
 * @throws UsageError when it is none of these
 */
export function meantShell(named: string | undefined, env: NodeJS.ProcessEnv, remedy: string): Shell {
  const shell = named === undefined ? shellOf(env) : SHELLS.find((known) => known === named);
  if (shell) return shell;
  throw named === undefined
    ? new UsageError('your shell ($SHELL) is none of bash, zsh and fish', { remedy })
    : new UsageError(`"${named}" is none of bash, zsh and fish`);
}

/** The shell in $SHELL, if it is one of these. */
export function shellOf(env: NodeJS.ProcessEnv): Shell | undefined {
  return SHELLS.find((known) => known === env.SHELL?.split('/').at(-1));
}

/** The file in which an interactive shell of this kind looks for these: bash(1), zsh(1), fish(1). */
export function startUpFile(name: BlockName, shell: Shell, env: NodeJS.ProcessEnv): string {
  const home = env.HOME || homedir();
  const fish = join(env.XDG_CONFIG_HOME || join(home, '.config'), 'fish');
  const files: Record<Shell, string> = {
    bash: join(home, '.bashrc'),
    zsh: join(env.ZDOTDIR || home, '.zshrc'),
    fish:
      name === 'completion' ? join(fish, 'completions', 'remote-notebook.fish') : join(fish, 'config.fish'),
  };
  return files[shell];
}

/**
 * Makes these the lines of the block in the shell's file; none takes it out. The file as it was is kept beside
 * it. Answers with the file's path, or undefined when there was nothing to change.
 * @throws Failure when it cannot be written
 */
export async function installBlock(
  name: BlockName,
  lines: readonly string[],
  shell: Shell,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const named = startUpFile(name, shell, env);
  // Many keep such files elsewhere and link to them: the link stays one.
  const file = existsSync(named) ? realpathSync(named) : named;
  try {
    const { default: writeFileAtomic } = await import('write-file-atomic');
    const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const after = withBlock(name, before, lines);
    if (after === before) return undefined;
    mkdirSync(dirname(file), { recursive: true });
    if (existsSync(file)) copyFileSync(file, `${file}.before-remote-notebook`);
    const mode = existsSync(file) ? statSync(file).mode & 0o777 : 0o644;
    // Fish has a file for this alone: it goes with its only content.
    if (after === '' && file.endsWith('remote-notebook.fish')) rmSync(file);
    else await writeFileAtomic(file, after, { mode });
    return file;
  } catch (cause) {
    throw new Failure(`cannot write ${file}: ${reason(cause)}`, { cause });
  }
}

/** A start-up file's text with this one block in it, wherever it stood before; no lines take it out. */
export function withBlock(name: BlockName, text: string, lines: readonly string[]): string {
  const begin = `# >>> remote-notebook ${name} >>>`;
  const end = `# <<< remote-notebook ${name} <<<`;
  // From a mark to the next end: a mark that has lost its other one is none of the block.
  const present = new RegExp(`^${begin}\\n(?:(?!${begin}).*\\n)*?${end}$\\n?`, 'm');
  const block = lines.length === 0 ? '' : `${[begin, ...lines, end].join('\n')}\n`;
  if (present.test(text)) return text.replace(present, () => block);
  return block === '' || text === '' || text.endsWith('\n') ? text + block : `${text}\n${block}`;
}
