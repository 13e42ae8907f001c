import type { ServerEntry } from '../../model/server-spec.ts';
import type { ServerSettings } from '../../model/settings.ts';
import type { Ask, Question } from '../../screen/questions.ts';
import type { Terminal } from '../../screen/terminal.ts';
import { failureIn, UsageError } from '../../system/errors.ts';

/** What the questions of `init` share. */
export interface Dialogue {
  readonly terminal: Terminal;
  readonly ask: Ask;
  /** False with --yes: then the first failure ends `init`. */
  readonly isAsking: boolean;
  /** The settings on the command line. */
  readonly given: ServerSettings;
  /** The servers in config.yaml. */
  readonly configured: Readonly<Record<string, ServerEntry>>;
  /** Functions that undo the steps so far, here and on the host. The last one is called first. */
  readonly undoings: (() => Promise<unknown>)[];
  /** What stays even if `init` fails, as parts of a sentence. */
  readonly kept: string[];
  /** The connections for which a key was offered. */
  readonly offered: Set<string>;
}

/** Undoes all steps; a failure is reported and does not stop it. */
export async function undoAll({ undoings, terminal: { context } }: Dialogue): Promise<void> {
  for (const undo of undoings.splice(0).toReversed()) {
    await undo().catch((error: unknown) => context.report.note(failureIn(error).message));
  }
}

/** Shows numbered options and asks for one: by its number, by its name, or by another value. */
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
      throw new UsageError(`there is no number ${answer}`, {
        remedy: `Enter a number from 1 to ${rows.length}.`,
      });
    },
  });
}
