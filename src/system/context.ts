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
  /** A message for the user, in one line; `more` are lines that only --verbose shows. */
  note(message: string, more?: readonly string[]): void;
  /** A line that a long step prints. */
  progress(line: string): void;
  /** How many bytes the current phase has sent so far. */
  sent(bytes: number): void;
  /** Unchanged output of ssh for the user's terminal. `isDetail`: for a user who asks for all of it (--verbose). */
  passThrough(text: string, isDetail?: boolean): void;
}

const ignore = () => {};

/** Shows nothing. */
export const SILENT: Reporter = {
  command: ignore,
  phase: ignore,
  phaseFailed: ignore,
  note: ignore,
  progress: ignore,
  sent: ignore,
  passThrough: ignore,
};

/** A context without an interrupt, which shows nothing. */
export function quietContext(env: NodeJS.ProcessEnv): Context {
  return { env, signal: new AbortController().signal, report: SILENT };
}

/** A context for a step in the background of a question: it shows nothing. */
export function silent(context: Context): Context {
  return { ...context, report: SILENT };
}

/**
 * A signal that is aborted after a time. Unlike AbortSignal.timeout, which Node 20 may collect as garbage while only
 * AbortSignal.any refers to it, so that the time never ends.
 */
export function timeLimit(milliseconds: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), milliseconds).unref();
  return controller.signal;
}

/** A context whose waits also end when another signal is aborted. */
export function endedBy(signal: AbortSignal, context: Context): Context {
  return { ...context, signal: AbortSignal.any([context.signal, signal]) };
}

/** A context for a clean-up, which an interrupt does not stop. */
export function uninterrupted(context: Context): Context {
  return { ...context, signal: new AbortController().signal };
}

/** Options of every function of the library. */
export interface Surroundings {
  /** Another ssh configuration file than ~/.ssh/config (ssh -F). */
  readonly sshConfig?: string | undefined;
  /** Aborting it cancels the work and undoes what was begun; the function rejects with `Interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /** The environment variables; by default those of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Called when a phase of the work begins: connect, install, launch, jupyter, forward, prove; submit and queue for a batch job. */
  readonly onPhase?: ((name: string) => void) | undefined;
  /** Called with messages for the user of one line each, such as a port that is in use. */
  readonly onNote?: ((message: string) => void) | undefined;
  /** Called with each line that the installation of Jupyter prints. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

/** The context of a function of the library. */
export function contextOf({ env = process.env, signal, onPhase, onNote, onProgress }: Surroundings): Context {
  const report = {
    ...SILENT,
    phase: onPhase ?? SILENT.phase,
    note: onNote ?? SILENT.note,
    progress: onProgress ?? SILENT.progress,
  };
  return { env, signal: signal ?? new AbortController().signal, report };
}
