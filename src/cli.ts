#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { version } from './version.ts';

void answer(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});

/** What a shell asks at each Tab, or a script before it begins, waits for nothing that it does not need. */
async function answer(args: readonly string[]): Promise<number> {
  const [verb, option, ...words] = args;
  if (verb === '--version' && option === undefined) {
    print(`${version()}\n`);
    return 0;
  }
  if (verb === 'completion' && option === '--words') {
    const { answerShell } = await import('./line/answer-shell.ts');
    const { VERBS } = await import('./commands/verbs.ts');
    return answerShell(words, VERBS, process.env, print);
  }
  const { main } = await import('./main.ts');
  return main(args);
}

/** Node's stream for standard output takes longer to make than so short an answer to write. */
function print(text: string): void {
  try {
    writeSync(1, text);
  } catch {} // Whoever reads it has seen enough.
}
