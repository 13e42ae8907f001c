import type { Terminal } from '../screen/terminal.ts';
import { type BlockName, installBlock, type Shell, shellFor, startUpFile } from '../shell/start-up-file.ts';

/** The options of a verb that prints lines for a shell. yargs would count a default as a conflict, so none is set. */
export const INSTALL = {
  install: {
    type: 'boolean',
    describe: 'add the lines to the start-up file of your shell',
    conflicts: 'uninstall',
  },
  uninstall: { type: 'boolean', describe: 'remove the lines from that file' },
} as const;

/**
 * Prints lines for the chosen shell, or installs or uninstalls them.
 * @param remedy how to choose a shell
 * @throws UsageError when no supported shell is chosen, Failure when its file cannot be written
 */
export async function printOrInstall(
  name: BlockName,
  makeLines: (shell: Shell) => readonly string[] | Promise<readonly string[]>,
  remedy: string,
  args: { shell?: string | undefined; install?: boolean | undefined; uninstall?: boolean | undefined },
  { result, show, context: { env } }: Terminal,
): Promise<number> {
  const shell = shellFor(args.shell, env, remedy);
  const lines = args.uninstall ? [] : await makeLines(shell);
  if (!args.install && !args.uninstall) {
    await result({ shell, lines }, () => lines);
    return 0;
  }
  const changed = await installBlock(name, lines, shell, env);
  if (args.install) show(changed ? `Added to ${changed}. Open a new shell to use it.` : 'Already installed.');
  else if (changed) show(`Removed from ${changed}.`);
  else show(`Nothing to remove: no ${name} are installed in ${startUpFile(name, shell, env)}.`);
  return 0;
}
