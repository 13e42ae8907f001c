import { Interrupted, UsageError } from '../system/errors.ts';

/** A question on the terminal, and what is made of its answer. */
export interface Question<T> {
  readonly text: string;
  /** What an empty answer stands for. */
  readonly byDefault?: string | undefined;
  /** What stands in brackets, where that is not the default itself. */
  readonly hint?: string | undefined;
  /** What Tab completes. */
  readonly completions?: readonly string[];
  /** @throws UsageError that says why the answer will not do: then it is asked again */
  read(answer: string): T | Promise<T>;
}

/** Answers the questions: the user, or each question's own default. */
export type Ask = <T>(question: Question<T>) => Promise<T>;

/** A yes-or-no question. */
export function yesOrNo(text: string, byDefault: boolean): Question<boolean> {
  return {
    text,
    byDefault: byDefault ? 'y' : 'n',
    hint: byDefault ? 'Y/n' : 'y/N',
    read: (answer) => {
      if (/^y(es)?$/i.test(answer)) return true;
      if (/^no?$/i.test(answer)) return false;
      throw new UsageError(`"${answer}" is neither y nor n`);
    },
  };
}

/** Takes each question's default. @throws UsageError where there is none, or where it will not do */
export const takeDefault: Ask = async ({ text, byDefault, read }) => {
  if (byDefault !== undefined) return read(byDefault);
  throw new UsageError(`--yes takes the defaults, and there is none for: ${text}`, {
    remedy: 'Say it on the command line: see --help.',
  });
};

/** The line that the user types behind the prompt. */
export type ReadLine = (prompt: string, completions: readonly string[]) => Promise<string>;

/**
 * Reads lines of the terminal, one at a time: between them the terminal is as it was, so that ssh can ask there. What
 * is typed ahead is the next answer.
 */
export function makeReadLine(signal: AbortSignal, err: NodeJS.WriteStream): ReadLine {
  const ahead: string[] = [];
  return async (prompt, completions) => {
    const known = ahead.shift();
    if (known !== undefined) {
      err.write(`${prompt}${known}\n`);
      return known;
    }
    const { createInterface } = await import('node:readline');
    const completer = (line: string) => [completions.filter((word) => word.startsWith(line)), line];
    const lines = createInterface({ input: process.stdin, output: err, historySize: 0, completer });
    const line = await new Promise<string | undefined>((resolve) => {
      const end = () => resolve(undefined);
      signal.addEventListener('abort', end);
      lines.once('close', () => signal.removeEventListener('abort', end));
      lines.once('close', end);
      lines.once('SIGINT', end);
      // All that one read brought is told before the promise goes on.
      lines.on('line', (text) => ahead.push(text));
      lines.once('line', () => setImmediate(() => resolve(ahead.shift())));
      lines.setPrompt(prompt);
      if (signal.aborted) end();
      else lines.prompt();
    });
    lines.close();
    if (line !== undefined) return line;
    err.write('\n');
    throw new Interrupted();
  };
}
