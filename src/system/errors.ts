/**
 * An expected failure: the message says what was tried and what went wrong, with the output of the failed program; the
 * remedy says what to do. Any other error is a bug.
 */
export class Failure extends Error {
  readonly remedy: string | undefined;
  /** The exit status of the command. */
  readonly exitStatus: number = 1;

  constructor(message: string, options: { remedy?: string | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.remedy = options.remedy;
  }
}

/** The command line or the configuration is wrong; nothing was run and nothing was changed. */
export class UsageError extends Failure {
  override readonly exitStatus: number = 2;
}

/** The user (or the system) asked the command to end. */
export class Interrupted extends Failure {
  override readonly exitStatus: number = 130;

  /** @param message also says what is left behind, if that is known */
  constructor(message = 'Interrupted.') {
    super(message);
  }
}

/** The result of `read`; undefined where it throws. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
