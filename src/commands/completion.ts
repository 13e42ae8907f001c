import { readFileSync } from 'node:fs';
import { SHELLS, type Shell } from '../notebook/start-up-file.ts';
import { defineVerb } from './verb.ts';

export const completion = defineVerb({
  usage: 'completion [shell]',
  summary: 'What Tab completes in your shell: verbs, options, notebooks, hosts',
  positionals: {
    shell: { describe: 'bash, zsh or fish (default: yours)', type: 'string', completes: SHELLS },
  },
  options: {
    // Without defaults: to yargs, a default would be a conflict already.
    install: { type: 'boolean', describe: 'keep it where the shell looks for it', conflicts: 'uninstall' },
    uninstall: { type: 'boolean', describe: 'take it out of there' },
  },
  examples: [
    ['$0 completion --install', 'for your shell, from its next start on'],
    ['$0 completion zsh', 'print it'],
  ],
  async run(args, terminal) {
    const { installBlock, meantShell, startUpFile } = await import('../notebook/start-up-file.ts');
    const { env } = terminal.context;
    const shell = meantShell(args.shell, env, 'Name one: remote-notebook completion bash');
    const lines = scriptFor(shell).trimEnd().split('\n');
    if (args.uninstall) {
      const changed = await installBlock('completion', [], shell, env);
      terminal.say(
        changed ? `Taken out of ${changed}.` : `${startUpFile('completion', shell, env)} has none of ours.`,
      );
    } else if (args.install) {
      const changed = await installBlock('completion', lines, shell, env);
      terminal.say(
        changed ? `Written to ${changed}. Open a new shell to have it.` : 'It stands there already.',
      );
    } else if (args.json) terminal.print(JSON.stringify({ shell, lines }, undefined, 2));
    else for (const line of lines) terminal.print(line);
    return 0;
  },
});

/** The few lines that ask this program at each Tab: a file beside this one, in the source and when bundled. */
function scriptFor(shell: Shell): string {
  return readFileSync(new URL(`./completion.${shell}`, import.meta.url), 'utf8');
}
