import { styleText } from 'node:util';
import { type Command, commandLine } from '../system/command.ts';
import type { Context, Reporter } from '../system/context.ts';
import { type Failure, UsageError } from '../system/errors.ts';
import { type Ask, makeReadLine, yesOrNo } from './questions.ts';

/** What a command writes to: results on `out`, everything else on `err`. */
export interface Terminal {
  readonly context: Context;
  /** Lines of the result, on standard output. */
  print(...lines: readonly string[]): void;
  /** The result: with --json `value` as one document, else these lines. */
  result(value: object, lines?: () => readonly string[] | Promise<readonly string[]>): Promise<void>;
  /** How many letters a line of the result has room for: without end where it is no terminal's. */
  readonly width: number;
  /** Lines of the result over those of the last call, on a terminal; below them elsewhere. */
  redraw(lines: readonly string[]): void;
  /** One line for the user, on standard error. */
  show(line: string): void;
  /** A failure after which the command goes on: the phase that it came in has not been done. */
  showFailure(failure: Failure): void;
  /** Milliseconds that each phase took, in order; the last one ends when this is called. */
  phases(): Record<string, number>;
  /** Whether there is somebody to ask. */
  readonly canAsk: boolean;
  /** @throws Interrupted at Ctrl-C and Ctrl-D */
  readonly ask: Ask;
  /** A yes-or-no question. @throws UsageError without a terminal to ask on. */
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
  /** The result is one JSON document, and nothing but errors is on `err`. */
  readonly json: boolean;
}

/** Takes back a line that was to be written over, and what stands below it. */
export const CLEAR = '\r\x1b[J';

export function makeStyle(enabled: boolean): Style {
  const paint = (format: keyof Style) => (text: string) =>
    enabled ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
  };
}

export function hasColour(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/**
 * What a terminal may be given of a text in which a host's own words stand: colours, but nothing that would move,
 * erase, retitle or type. Anything else than a terminal gets it as it is.
 */
export function harmless(text: string, stream: NodeJS.WriteStream): string {
  if (!stream.isTTY) return text;
  return text.replace(HARMLESS_OR_CONTROL, (_, allowed?: string) => allowed ?? '\ufffd');
}

const ESCAPE = '\x1b';
const HARMLESS_OR_CONTROL = new RegExp(`(${ESCAPE}\\[[\\d;]*m|\\r?\\n|\\t)|\\p{Cc}`, 'gu');

export function makeTerminal({ env, signal, out, err, verbose, json }: TerminalOptions): Terminal {
  const style = makeStyle(hasColour(err, env));
  const phases: Record<string, number> = {};
  let current: { readonly name: string; readonly since: number } | undefined;
  const isLive = hasColour(err, env) && !verbose && !json;
  /** A line on a terminal that is written over when the phase ends. */
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
      // While it connects ssh may ask: it writes to the terminal itself, and finds a clean line above this one.
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
    // The window may be resized meanwhile, and one that was never given a size says 0.
    get width() {
      return out.columns || Number.POSITIVE_INFINITY;
    },
    redraw: (lines) => {
      // Home, then each line to its end, then all below: nothing flickers.
      const isScreen = out.isTTY === true;
      out.write(
        isScreen
          ? `\x1b[H${lines.map((line) => `${harmless(line, out)}\x1b[K\n`).join('')}\x1b[J`
          : `${lines.join('\n')}\n\n`,
      );
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
    // Node makes a stream of standard input as soon as somebody looks at it.
    get canAsk() {
      return process.stdin.isTTY === true;
    },
    ask,
    confirm: async (question) => {
      if (process.stdin.isTTY) return ask(yesOrNo(question, false));
      throw new UsageError('this needs a yes, and there is no terminal to ask on', {
        remedy: 'Say it with --yes.',
      });
    },
    style,
  };
}
