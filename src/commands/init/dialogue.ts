import type { ServerEntry } from '../../model/server-spec.ts';
import type { Ask } from '../../screen/questions.ts';
import type { Terminal } from '../../screen/terminal.ts';
import { Failure } from '../../system/errors.ts';

/** What the questions of `init` are asked with. */
export interface Dialogue {
  readonly terminal: Terminal;
  readonly ask: Ask;
  /** False where each default is taken: then a failure ends it. */
  readonly isAsking: boolean;
  /** ssh's own `-F`. */
  readonly sshConfig: string | undefined;
  /** The servers that config.yaml has. */
  readonly configured: Readonly<Record<string, ServerEntry>>;
  readonly begun: Begun;
}

/** What was begun, on this machine and the host, until it is kept. */
export class Begun {
  readonly #undoings: (() => Promise<unknown>)[] = [];
  readonly #note: (message: string) => void;

  /** @param note told what could not be undone */
  constructor(note: (message: string) => void) {
    this.#note = note;
  }

  add(undo: () => Promise<unknown>): void {
    this.#undoings.push(undo);
  }

  keep(): void {
    this.#undoings.length = 0;
  }

  /** The last first; each, whatever becomes of another. */
  async undo(): Promise<void> {
    for (const undo of this.#undoings.splice(0).toReversed()) {
      await undo().catch((error: unknown) => {
        if (!(error instanceof Failure)) throw error;
        this.#note(error.message);
      });
    }
  }
}
