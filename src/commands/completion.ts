import { readFileSync } from 'node:fs';
import { defineVerb } from '../line/verb.ts';
import { SHELLS, type Shell } from '../shell/start-up-file.ts';
import { assetPath } from '../system/asset.ts';
import { giveLines, INSTALL } from './shell-lines.ts';

export const completion = defineVerb({
  usage: 'completion [shell]',
  summary: 'Set up tab completion for bash, zsh or fish',
  positionals: {
    shell: { describe: 'bash, zsh or fish (default: yours)', type: 'string', completes: SHELLS },
  },
  options: INSTALL,
  examples: [
    ['$0 completion --install', 'for your shell, from its next start on'],
    ['$0 completion zsh', 'print it'],
  ],
  run(args, terminal) {
    const remedy = 'Name one: remote-notebook completion bash';
    return giveLines('completion', scriptFor, remedy, args, terminal);
  },
});

/** The few lines that ask this program at each Tab. */
function scriptFor(shell: Shell): string[] {
  const text = readFileSync(assetPath(`shell/completion.${shell}`), 'utf8');
  return text.trimEnd().split('\n');
}
