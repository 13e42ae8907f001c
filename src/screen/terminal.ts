import { once } from 'node:events';
import { styleText } from 'node:util';
import { type Command, commandLine } from '../system/command.ts';
import type { Context, Reporter } from '../system/context.ts';
import { type Failure, UsageError } from '../system/errors.ts';
import { CONTROLS, oneLine } from '../system/one-line.ts';
import { jsonDocument } from './json.ts';
import { type Ask, makeReadLine, type ReadLine, yesOrNo } from './questions.ts';
import { size } from './size.ts';

/** The output of a command: results on `out`, everything else on `err`. */
export interface Terminal {
  readonly context: Context;
  /** Prints lines of the result. Returns a promise if the reader of the output is slow: it is fulfilled when the reader has read them. */
  print(...lines: readonly string[]): Promise<void> | void;
  /** Prints the result: `value` as one document with --json, otherwise these lines. */
  result(value: object, lines?: () => readonly string[] | Promise<readonly string[]>): Promise<void>;
  /** The columns of the terminal; infinite for a file or a pipe. */
  readonly width: number;
  /** Whether the result is one JSON document. */
  readonly isJson: boolean;
  /** Prints lines, on a terminal in place of those of the last call. */
  redraw(lines: readonly string[]): void;
  /** Shows lines below all output, in place of those of the last call, until something else is printed. */
  footer(lines: readonly string[]): void;
  /** The columns that a footer has; 0 if it would not be seen. */
  readonly footerWidth: number;
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
  /** Asks the same after the user has interrupted the command; yes is the default. @throws Interrupted at Ctrl-C and Ctrl-D */
  confirmInterrupted(question: string): Promise<boolean>;
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

/** How often a phase shows how much it has sent. */
const SENT_MS = 200;
/** Erases the current line and everything below it. */
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

/** Replaces control characters, except colours and ends of lines, in a text for a terminal: it may contain output of a host. */
export function harmless(text: string, stream: NodeJS.WriteStream): string {
  if (!stream.isTTY) return text;
  return text.replace(COLOUR_OR_CONTROL, (_, allowed?: string) => allowed ?? '\ufffd');
}

const COLOUR_OR_CONTROL = new RegExp(`(${'\x1b'}\\[[\\d;]*m|\\r?\\n|\\t)|[${CONTROLS}]`, 'gu');

/** Waits until the reader of a stream has read what was written, or is gone. */
async function drained(stream: NodeJS.WriteStream): Promise<void> {
  const over = new AbortController();
  const events = ['drain', 'close'].map((event) => once(stream, event, { signal: over.signal }));
  await Promise.race(events).catch(() => {});
  over.abort();
}

/** @param erase makes room for the lines */
function makePrint(out: NodeJS.WriteStream, erase: () => void): Terminal['print'] {
  let draining: Promise<void> | undefined;
  return (...lines) => {
    erase();
    const isRead = lines.map((line) => out.write(`${harmless(line, out)}\n`)).every(Boolean);
    if (isRead) return;
    draining ??= drained(out).finally(() => {
      draining = undefined;
    });
    return draining;
  };
}

/** Shows messages and phases on `err`. Each phase gets a line when it has ended. */
function makeProgress({ env, err, verbose, json }: TerminalOptions, style: Style) {
  const phases: Record<string, number> = {};
  let current: { readonly name: string; readonly since: number; sentAt: number } | undefined;
  const isLive = hasColour(err, env) && !verbose && !json;
  /** Whether the current line is erased when the phase ends. */
  let transient = false;
  /** The footer, as it is shown. */
  let below: readonly string[] = [];
  /** Erases what is shown only for a while. */
  const erase = () => {
    if (transient) err.write(CLEAR);
    if (below.length > 0) err.write(`${below.length > 1 ? `\x1b[${below.length - 1}A` : ''}${CLEAR}`);
    transient = false;
    below = [];
  };
  const write = (text: string) => {
    erase();
    err.write(harmless(text, err));
  };
  const footer = (lines: readonly string[]) => {
    if (!isLive || lines.join('\n') === below.join('\n')) return;
    write(lines.join('\n'));
    below = lines;
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
  /** Shows the current phase, and how far it is, until something else is shown. */
  const showPhase = (far = '') => {
    if (!current || !isLive) return;
    const line = `  … ${current.name.padEnd(far === '' ? 0 : 12)}${far}`;
    // ssh may ask while it connects: it gets an empty line above this one.
    if (current.name === 'connect') err.write(`\n${line}\x1b[A\r`);
    else write(line);
    transient = true;
  };
  const report: Reporter = {
    command: (command: Command, takesScript?: boolean) => {
      if (verbose) write(style.dim(`$ ${commandLine(command)}${takesScript ? '  < a script' : ''}\n`));
    },
    phase: (name) => {
      endPhase();
      current = { name, since: performance.now(), sentAt: Number.NEGATIVE_INFINITY };
      showPhase();
    },
    phaseFailed: () => endPhase(style.red('✗')),
    note: (message, more = []) => {
      if (!json) write(`  ${style.yellow('!')} ${message}\n`);
      if (verbose) for (const line of more) write(style.dim(`    ${line}\n`));
    },
    progress: (line) => {
      if (!json) write(style.dim(`    ${oneLine(line)}\n`));
      showPhase();
    },
    sent: (bytes) => {
      if (!current || performance.now() - current.sentAt < SENT_MS) return;
      current.sentAt = performance.now();
      showPhase(style.dim(size(bytes)));
    },
    passThrough: (text, isDetail) => {
      if (verbose || (err.isTTY && !isDetail)) write(text);
    },
  };
  return { phases, endPhase, report, write, erase, footer, isLive };
}

export function makeTerminal(options: TerminalOptions): Terminal {
  const { env, signal, out, err, json } = options;
  const style = makeStyle(hasColour(err, env));
  const { phases, endPhase, report, write, erase, footer, isLive } = makeProgress(options, style);
  const showFailure = ({ message, remedy }: Failure) => {
    endPhase('');
    write(`  ${style.red('✗')} ${message}\n${remedy === undefined ? '' : `    ${remedy}\n`}`);
  };
  const askBy =
    (readLine: ReadLine): Ask =>
    async ({ text, byDefault, hint = byDefault, completions = [], read }) => {
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
  const ask = askBy(makeReadLine(signal, err));
  const print = makePrint(out, erase);
  return {
    context: { env, signal, report },
    print,
    isJson: json,
    result: async (value, lines = () => []) =>
      void (json ? print(jsonDocument(value)) : print(...(await lines()))),
    // The window can be resized; a size that was never set is 0.
    get width() {
      return out.columns || Number.POSITIVE_INFINITY;
    },
    footer,
    get footerWidth() {
      return isLive ? (err.columns || 80) - 1 : 0;
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
    confirmInterrupted: (question) =>
      askBy(makeReadLine(new AbortController().signal, err))(yesOrNo(question, true)),
    style,
  };
}
