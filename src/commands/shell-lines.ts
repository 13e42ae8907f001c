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
 * Prints the lines for this shell, or does with them what `--install` or `--uninstall` says.
 * @throws Failure when the shell's file cannot be written
 */
export async function giveLines(
  name: BlockName,
  shell: Shell,
  makeLines: () => readonly string[] | Promise<readonly string[]>,
  args: { install?: boolean | undefined; uninstall?: boolean | undefined; json: boolean },
  terminal: Terminal,
): Promise<number> {
  if (args.uninstall) await uninstallLines(name, shell, terminal);
  else if (args.install) await installLines(name, shell, await makeLines(), terminal);
  else if (args.json) terminal.print(JSON.stringify({ shell, lines: await makeLines() }, undefined, 2));
  else for (const line of await makeLines()) terminal.print(line);
  return 0;
}

/** Keeps the lines in the file that an interactive shell reads, and says so. */
export async function installLines(
  name: BlockName,
  shell: Shell,
  lines: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const { installBlock } = await import('../shell/start-up-file.ts');
  const changed = await installBlock(name, lines, shell, terminal.context.env);
  terminal.say(changed ? `Written to ${changed}. Open a new shell to have it.` : 'It stands there already.');
}

async function uninstallLines(name: BlockName, shell: Shell, terminal: Terminal): Promise<void> {
  const { installBlock, startUpFile } = await import('../shell/start-up-file.ts');
  const { env } = terminal.context;
  const changed = await installBlock(name, [], shell, env);
  terminal.say(
    changed ? `Taken out of ${changed}.` : `${startUpFile(name, shell, env)} has no ${name} of ours.`,
  );
}
