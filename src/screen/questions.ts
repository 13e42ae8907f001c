import { Interrupted, UsageError } from '../system/errors.ts';
import { oneLine } from '../system/one-line.ts';

/** A question on the terminal. */
export interface Question<T> {
  readonly text: string;
  /** The answer for an empty line. */
  readonly byDefault?: string | undefined;
  /** The text in brackets, if it is not the default itself. */
  readonly hint?: string | undefined;
  /** The words that Tab completes, or a function that finds those that begin with a text. */
  readonly completions?: Completions;
  /** Reads the answer. @throws UsageError for a wrong answer; the question is then asked again */
  read(answer: string): T | Promise<T>;
}

export type Completions = readonly string[] | ((typed: string) => Promise<readonly string[]>);

/** Asks the user, or uses the defaults. */
export type Ask = <T>(question: Question<T>) => Promise<T>;

export function yesOrNo(text: string, byDefault: boolean): Question<boolean> {
  return {
    text,
    byDefault: byDefault ? 'y' : 'n',
    hint: byDefault ? 'Y/n' : 'y/N',
    read: (answer) => {
      if (/^y(es)?$/i.test(answer)) return true;
      if (/^no?$/i.test(answer)) return false;
      throw new UsageError(`answer y or n, not "${answer}"`);
    },
  };
}

/** Uses the default. @throws UsageError when there is none, or it is wrong */
export const takeDefault: Ask = async ({ text, byDefault, read }) => {
  if (byDefault !== undefined) return read(byDefault);
  throw new UsageError(`--yes uses the defaults, but there is none for: ${text}`, {
    remedy: 'Set it with an option (see --help).',
  });
};

/** Returns the line that the user types after the prompt. */
export type ReadLine = (prompt: string, completions: Completions) => Promise<string>;

/** Reads lines from the terminal. It is released between them, so that ssh can ask. Lines typed ahead are kept. */
export function makeReadLine(signal: AbortSignal, err: NodeJS.WriteStream): ReadLine {
  const ahead: string[] = [];
  return async (prompt, completions) => {
    const known = ahead.shift();
    if (known !== undefined) {
      err.write(`${prompt}${known}\n`);
      return known;
    }
    const { createInterface } = await import('node:readline');
    const find = typeof completions === 'function' ? completions : async () => completions;
    let isOpen = true;
    const completer = async (typed: string, show: (error: null, found: [string[], string]) => void) => {
      const words = await find(typed).catch(() => []);
      const offered = words.filter((word) => word.startsWith(typed) && oneLine(word) === word);
      // The user may have ended the question meanwhile.
      if (isOpen) show(null, [offered, typed]);
    };
    const lines = createInterface({ input: process.stdin, output: err, historySize: 0, completer });
    const line = await new Promise<string | undefined>((resolve) => {
      const end = () => resolve(undefined);
      signal.addEventListener('abort', end);
      lines.once('close', () => signal.removeEventListener('abort', end));
      lines.once('close', end);
      lines.once('SIGINT', end);
      // One read can contain several lines: all events come before the promise resolves.
      lines.on('line', (text) => ahead.push(text));
      lines.once('line', () => setImmediate(() => resolve(ahead.shift())));
      lines.setPrompt(prompt);
      if (signal.aborted) end();
      else lines.prompt();
    });
    isOpen = false;
    lines.close();
    if (line !== undefined) return line;
    err.write('\n');
    throw new Interrupted();
  };
}
