/**
 * A failure that was foreseen: the message says what was tried and what went wrong, in the words of the
 * program that said so; the remedy says what to do. Everything else that is thrown is a bug.
 */
export class Failure extends Error {
  readonly remedy: string | undefined;
  /** The exit status that the command ends with. */
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

  /** @param message what is left, as far as it is known */
  constructor(message = 'Interrupted.') {
    super(message);
  }
}
