import type { Terminal } from '../screen/terminal.ts';
import type { BlockName, Shell } from '../shell/start-up-file.ts';

/** The options of a verb that prints lines for a shell, and can keep them where that shell reads them. */
export const INSTALL = {
  // Without defaults: to yargs, a default would be a conflict already.
  install: {
    type: 'boolean',
    describe: 'keep the lines where the shell reads them',
    conflicts: 'uninstall',
  },
  uninstall: { type: 'boolean', describe: 'take them out of there' },
} as const;

/**
 * Prints lines for the shell that is meant, or does with them what `--install` or `--uninstall` says.
 * @param remedy how to name a shell
 * @throws UsageError when no shell is meant, Failure when its file cannot be written
 */
export async function giveLines(
  name: BlockName,
  makeLines: (shell: Shell) => readonly string[] | Promise<readonly string[]>,
  remedy: string,
  args: {
    readonly shell?: string | undefined;
    readonly install?: boolean | undefined;
    readonly uninstall?: boolean | undefined;
  },
  { result, show, context: { env } }: Terminal,
): Promise<number> {
  const { installBlock, shellFor, startUpFile } = await import('../shell/start-up-file.ts');
  const shell = shellFor(args.shell, env, remedy);
  const lines = args.uninstall ? [] : await makeLines(shell);
  if (args.uninstall) {
    const changed = await installBlock(name, lines, shell, env);
    show(changed ? `Taken out of ${changed}.` : `${startUpFile(name, shell, env)} has no ${name} of ours.`);
  } else if (args.install) {
    const changed = await installBlock(name, lines, shell, env);
    show(changed ? `Written to ${changed}. Open a new shell to have it.` : 'It stands there already.');
  } else await result({ shell, lines }, () => lines);
  return 0;
}
