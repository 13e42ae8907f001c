import type { ServerEntry } from '../../model/server-spec.ts';
import type { ServerSettings } from '../../model/settings.ts';
import type { Ask, Question } from '../../screen/questions.ts';
import type { Terminal } from '../../screen/terminal.ts';
import { Failure, UsageError } from '../../system/errors.ts';

/** What the questions of `init` are asked with. */
export interface Dialogue {
  readonly terminal: Terminal;
  readonly ask: Ask;
  /** False where each default is taken: then a failure ends it. */
  readonly isAsking: boolean;
  /** What the command line says of the server. */
  readonly given: ServerSettings;
  /** The servers that config.yaml has. */
  readonly configured: Readonly<Record<string, ServerEntry>>;
  /** What undoes what was begun, here and on the host, until it is kept; the last comes first. */
  readonly undoings: (() => Promise<unknown>)[];
}

/** Undoes what was begun; each, whatever becomes of another. */
export async function undoAll({ undoings, terminal: { context } }: Dialogue): Promise<void> {
  for (const undo of undoings.splice(0).toReversed()) {
    await undo().catch((error: unknown) => {
      if (!(error instanceof Failure)) throw error;
      context.report.note(error.message);
    });
  }
}

/** Shows what there is to choose from, and asks: the answer is a number of these, or a word. */
export function choose<T>(
  { text, byDefault, read }: Question<T>,
  rows: readonly { readonly word: string; readonly about: string }[],
  { terminal, ask }: Dialogue,
): Promise<T> {
  const width = Math.max(0, ...rows.map(({ word }) => word.length));
  for (const [index, { word, about }] of rows.entries())
    terminal.show(`  ${index + 1}  ${word.padEnd(width)}  ${terminal.style.dim(about)}`);
  return ask({
    text,
    byDefault,
    completions: rows.map(({ word }) => word),
    read: (answer) => {
      if (!/^\d+$/.test(answer)) return read(answer);
      const row = rows[Number(answer) - 1];
      if (row) return read(row.word);
      throw new UsageError(`there is no ${answer}`, { remedy: `There are 1 to ${rows.length}.` });
    },
  });
}
