import type { Command } from './command.ts';

/** What a step needs of the world around it: handed down as a parameter, never imported. */
export interface Context {
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when the user interrupts; everything that waits listens to it. */
  readonly signal: AbortSignal;
  readonly report: Reporter;
}

/** Where a step tells what it does. What the user sees of it is decided by the command. */
export interface Reporter {
  /** A command is about to run, perhaps with a script on its standard input. */
  command(command: Command, takesScript?: boolean): void;
  /** A phase of a longer story begins. */
  phase(name: string): void;
  /** Something that the user should know, in one line. */
  note(message: string): void;
  /** Text of ssh's own that belongs on the user's terminal, as it came. */
  passThrough(text: string): void;
}

/** The same for a clean-up: it is brought to its end, also after an interrupt. */
export function uninterrupted(context: Context): Context {
  return { ...context, signal: new AbortController().signal };
}
