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

const FULL = 'Make room on the disk, or ask for more quota.';

/** Errors of the system that say nothing about our code: errno(3), and what to do. */
const LIMITS: Readonly<Record<string, string>> = {
  EMFILE: 'Raise the limit of this shell, and try again: ulimit -n 1024',
  ENFILE: 'The programs on this machine have too many open files in total: end some of them.',
  EAGAIN:
    'Too many processes are running, or too little memory is free: see ulimit -u, and end some programs.',
  ENOMEM: 'Too little memory is free: end some programs.',
  ENOSPC: FULL,
  EDQUOT: FULL,
  EROFS: 'The file system is mounted read-only.',
  EIO: 'The disk or the network file system failed; the system log has details.',
  ESTALE: 'The network file system has lost the file: enter its folder again, and try again.',
};

/** What to do about an error of the system that shows a limit of this machine; undefined for any other error. */
export function limitRemedy(error: unknown): string | undefined {
  const code = errorCode(error) ?? '';
  return Object.hasOwn(LIMITS, code) ? LIMITS[code] : undefined;
}

/** The code of an error of the system, such as ENOENT; undefined for any other error. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The failure that was caught. @throws again an interrupt, and any error that is a bug */
export function failureIn(error: unknown): Failure {
  if (error instanceof Failure && !(error instanceof Interrupted)) return error;
  throw error;
}

/** The result of `read`; undefined where it throws. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** What another program printed, in lines of its own below the message that quotes it. */
export function indented(lines: readonly string[]): string {
  return lines.map((line) => `\n  ${line}`).join('');
}
