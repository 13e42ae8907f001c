import type { Readable } from 'node:stream';

/**
 * How a line ends: by a line break; it is `split`, since it is too long, and continues in the next one; or it is the last one, and
 * the output ended within it.
 */
export type LineEnd = 'break' | 'split' | 'cut';

/** Receives a line. While a promise that it returned is pending, no more output is read, and the program that prints it waits. */
export type OnLine = (line: string, end: LineEnd) => Promise<void> | void;

/** Longer lines are split. */
const MAX_LINE = 1_000_000;

/** Passes on each line of a stream. */
export function eachLine(stream: Readable, onLine: OnLine): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    const printed = lines.map((line) => onLine(line, 'break'));
    if (rest.length > MAX_LINE) {
      printed.push(onLine(rest, 'split'));
      rest = '';
    }
    const pending = printed.findLast(Boolean);
    if (!pending) return;
    stream.pause();
    void pending.finally(() => stream.resume());
  });
  stream.once('end', () => {
    if (rest !== '') void onLine(rest, 'cut');
  });
}
