import type { Command } from './command.ts';

/** The surroundings of a step: always a parameter, never imported. */
export interface Context {
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when the user interrupts; every wait ends then. */
  readonly signal: AbortSignal;
  readonly report: Reporter;
}

/** Receives the progress of a step. The command decides what the user sees. */
export interface Reporter {
  /** A command is about to run; `takesScript`: with a script on its standard input. */
  command(command: Command, takesScript?: boolean): void;
  /** A phase begins. */
  phase(name: string): void;
  /** The last phase failed, and another way is tried. */
  phaseFailed(): void;
  /** A message for the user, in one line. */
  note(message: string): void;
  /** Unchanged output of ssh for the user's terminal. */
  passThrough(text: string): void;
}

/** A context for a clean-up, which an interrupt does not stop. */
export function uninterrupted(context: Context): Context {
  return { ...context, signal: new AbortController().signal };
}
