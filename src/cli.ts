#!/usr/bin/env node
import { enableCompileCache } from './system/compile-cache.ts';
import { version } from './version.ts';

enableCompileCache(process.env);
void answer(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});

/** What a shell asks at each Tab, or a script before it begins, waits for nothing that it does not need. */
async function answer(args: readonly string[]): Promise<number> {
  // Whoever reads the answer may have seen enough.
  process.stdout.on('error', () => {});
  const [verb, option, ...words] = args;
  if (verb === '--version' && option === undefined) {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  if (verb === 'completion' && option === '--words') {
    const { answerShell } = await import('./commands/answer-shell.ts');
    return answerShell(words, process.env);
  }
  const { main } = await import('./main.ts');
  return main(args);
}
