import { styleText } from 'node:util';
import { type Command, commandLine } from '../system/command.ts';
import type { Context, Reporter } from '../system/context.ts';
import { type Failure, UsageError } from '../system/errors.ts';
import { type Ask, makeReadLine, yesOrNo } from './questions.ts';

/** The output of a command: results on `out`, everything else on `err`. */
export interface Terminal {
  readonly context: Context;
  /** Prints lines of the result. */
  print(...lines: readonly string[]): void;
  /** Prints the result: `value` as one document with --json, otherwise these lines. */
  result(value: object, lines?: () => readonly string[] | Promise<readonly string[]>): Promise<void>;
  /** The columns of the terminal; infinite for a file or a pipe. */
  readonly width: number;
  /** Prints lines, on a terminal in place of those of the last call. */
  redraw(lines: readonly string[]): void;
  /** Prints a message for the user on standard error. */
  show(line: string): void;
  /** Prints a failure after which the command continues; it ends the current phase. */
  showFailure(failure: Failure): void;
  /** Ends the last phase, and returns the milliseconds of each. */
  phases(): Record<string, number>;
  /** Whether standard input is a terminal. */
  readonly canAsk: boolean;
  /** @throws Interrupted at Ctrl-C and Ctrl-D */
  readonly ask: Ask;
  /** Asks a yes-or-no question. @throws UsageError without a terminal */
  confirm(question: string): Promise<boolean>;
  readonly style: Style;
}

export type Style = Readonly<Record<'bold' | 'dim' | 'red' | 'green' | 'yellow', (text: string) => string>>;

export interface TerminalOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  readonly verbose: boolean;
  /** Prints the result as one JSON document, and only errors on `err`. */
  readonly json: boolean;
}

/** Erases the current line and everything below it. */
export const CLEAR = '\r\x1b[J';

export function makeStyle(enabled: boolean): Style {
  const paint = (format: keyof Style) => (text: string) =>
    enabled ? styleText(format, text, { validateStream: false }) : text;
  const [bold, dim, red, green, yellow] = [
    paint('bold'),
    paint('dim'),
    paint('red'),
    paint('green'),
    paint('yellow'),
  ];
  return { bold, dim, red, green, yellow };
}

export function hasColour(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** Replaces control characters, except colours, in a text for a terminal: it may contain output of a host. */
export function harmless(text: string, stream: NodeJS.WriteStream): string {
  if (!stream.isTTY) return text;
  return text.replace(COLOUR_OR_CONTROL, (_, allowed?: string) => allowed ?? '\ufffd');
}

const COLOUR_OR_CONTROL = new RegExp(`(${'\x1b'}\\[[\\d;]*m|\\r?\\n|\\t)|\\p{Cc}`, 'gu');

export function makeTerminal({ env, signal, out, err, verbose, json }: TerminalOptions): Terminal {
  const style = makeStyle(hasColour(err, env));
  const phases: Record<string, number> = {};
  let current: { readonly name: string; readonly since: number } | undefined;
  const isLive = hasColour(err, env) && !verbose && !json;
  /** Whether the current line is erased when the phase ends. */
  let transient = false;
  const write = (text: string) => {
    if (transient) err.write(CLEAR);
    transient = false;
    err.write(harmless(text, err));
  };
  const endPhase = (sign = style.green('✓')) => {
    if (!current) return;
    const { name, since } = current;
    const ms = Math.round(performance.now() - since);
    phases[name] = (phases[name] ?? 0) + ms;
    current = undefined;
    const seconds = `${(ms / 1000).toFixed(2)} s`;
    if (sign !== '' && !json) write(`  ${sign} ${name.padEnd(12)}${style.dim(seconds)}\n`);
  };
  const report: Reporter = {
    command: (command: Command, takesScript?: boolean) => {
      if (verbose) write(style.dim(`$ ${commandLine(command)}${takesScript ? '  < a script' : ''}\n`));
    },
    phase: (name) => {
      endPhase();
      current = { name, since: performance.now() };
      if (!isLive) return;
      const line = `  … ${name}`;
      // ssh may ask while it connects: it gets an empty line above this one.
      if (name === 'connect') err.write(`\n${line}\x1b[A\r`);
      else write(line);
      transient = true;
    },
    phaseFailed: () => endPhase(style.red('✗')),
    note: (message) => {
      if (!json) write(`  ${style.yellow('!')} ${message}\n`);
    },
    passThrough: (text) => {
      if (err.isTTY) write(text);
    },
  };
  const showFailure = ({ message, remedy }: Failure) => {
    endPhase('');
    write(`  ${style.red('✗')} ${message}\n${remedy === undefined ? '' : `    ${remedy}\n`}`);
  };
  const readLine = makeReadLine(signal, err);
  const ask: Ask = async ({ text, byDefault, hint = byDefault, completions = [], read }) => {
    endPhase();
    const prompt = `${style.bold(text)}${hint ? style.dim(` [${hint}]`) : ''} `;
    for (;;) {
      const answer = (await readLine(harmless(prompt, err), completions)).trim();
      try {
        return await read(answer === '' ? (byDefault ?? '') : answer);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        showFailure(error);
      }
    }
  };
  const print = (...lines: readonly string[]) => {
    for (const line of lines) out.write(`${harmless(line, out)}\n`);
  };
  return {
    context: { env, signal, report },
    print,
    result: async (value, lines = () => []) =>
      json ? print(JSON.stringify(value, undefined, 2)) : print(...(await lines())),
    // The window can be resized; a size that was never set is 0.
    get width() {
      return out.columns || Number.POSITIVE_INFINITY;
    },
    redraw: (lines) => {
      // Erasing the rest of each line, rather than the screen first, avoids flicker.
      const screen = lines.map((line) => `${harmless(line, out)}\x1b[K\n`).join('');
      out.write(out.isTTY ? `\x1b[H${screen}\x1b[J` : `${lines.join('\n')}\n\n`);
    },
    show: (line) => {
      endPhase();
      if (!json) write(`${line}\n`);
    },
    showFailure,
    phases: () => {
      endPhase();
      return phases;
    },
    // A getter, because reading process.stdin opens it.
    get canAsk() {
      return process.stdin.isTTY === true;
    },
    ask,
    confirm: async (question) => {
      if (process.stdin.isTTY) return ask(yesOrNo(question, false));
      throw new UsageError('this needs confirmation, but there is no terminal to ask on', {
        remedy: 'Confirm it with --yes.',
      });
    },
    style,
  };
}
