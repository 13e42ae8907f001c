import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { type Shell, withAliasBlock } from './aliases.ts';

/** The file that an interactive shell of this kind reads: bash(1), zsh(1), fish(1). */
export function startUpFile(shell: Shell, env: NodeJS.ProcessEnv): string {
  const home = env.HOME || homedir();
  const files: Record<Shell, string> = {
    bash: join(home, '.bashrc'),
    zsh: join(env.ZDOTDIR || home, '.zshrc'),
    fish: join(env.XDG_CONFIG_HOME || join(home, '.config'), 'fish', 'config.fish'),
  };
  return files[shell];
}

/**
 * Makes these the aliases in the shell's start-up file; none takes them out. The file as it was is kept beside
 * it. Answers with the file's path, or undefined when there was nothing to change.
 * @throws UsageError when it cannot be written
 */
export async function installAliases(
  lines: readonly string[],
  shell: Shell,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const named = startUpFile(shell, env);
  // Many keep such files elsewhere and link to them: the link stays one.
  const file = existsSync(named) ? realpathSync(named) : named;
  try {
    const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const after = withAliasBlock(before, lines);
    if (after === before) return undefined;
    mkdirSync(dirname(file), { recursive: true });
    if (existsSync(file)) copyFileSync(file, `${file}.before-remote-notebook`);
    const mode = existsSync(file) ? statSync(file).mode & 0o777 : 0o644;
    await writeFileAtomic(file, after, { mode });
    return file;
  } catch (cause) {
    throw new UsageError(`cannot write ${file}: ${reason(cause)}`, { cause });
  }
}
