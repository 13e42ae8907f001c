import { readFileSync } from 'node:fs';
import { defineVerb } from '../line/verb.ts';
import { SHELLS, type Shell } from '../shell/start-up-file.ts';
import { assetPath } from '../system/installation.ts';
import { INSTALL, printOrInstall } from './shell-lines.ts';

export const completion = defineVerb({
  usage: 'completion [shell]',
  summary: 'Set up tab completion for bash, zsh or fish',
  positionals: {
    shell: { describe: 'bash, zsh or fish (default: yours)', type: 'string', completes: SHELLS },
  },
  options: INSTALL,
  examples: [
    ['$0 completion --install', 'install it for your shell; it works in new shells'],
    ['$0 completion zsh', 'print the script for zsh'],
  ],
  run(args, terminal) {
    const scriptLines = (shell: Shell) =>
      readFileSync(assetPath(`shell/completion.${shell}`), 'utf8')
        .trimEnd()
        .split('\n');
    const remedy = 'Choose one: remote-notebook completion bash';
    return printOrInstall('completion', scriptLines, remedy, args, terminal);
  },
});
