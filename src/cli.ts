#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { versionAndKind } from './version.ts';

// Node also ends when a command waits for something that can no longer happen: not a success.
process.exitCode = 1;
void answer(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});

/** Answers --version and Tab without loading what they do not need. */
async function answer(args: readonly string[]): Promise<number> {
  const [verb, option, ...words] = args;
  if (verb === '--version' && option === undefined) {
    print(`${versionAndKind()}\n`);
    return 0;
  }
  if (verb === 'completion' && option === '--words') {
    const { answerShell } = await import('./line/answer-shell.ts');
    const { VERBS } = await import('./commands/verbs.ts');
    return answerShell(words, VERBS, process.env, print);
  }
  if (verb === '--keep') {
    const { keep } = await import('./keeper/main.ts');
    await keep(args.slice(1));
    return 0;
  }
  const { main } = await import('./main.ts');
  return main(args);
}

/** Writes directly: creating Node's stream for standard output takes longer than the output itself. */
function print(text: string): void {
  try {
    writeSync(1, text);
  } catch {} // The reader has closed the pipe.
}
