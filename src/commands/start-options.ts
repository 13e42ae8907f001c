import { UsageError } from '../system/errors.ts';

const MAX_TIMEOUT_S = 86_400;

export const BROWSER = {
  browser: {
    type: 'boolean',
    default: true,
    describe: 'whether to open the browser; with --no-browser the URL is only printed',
  },
} as const;

export const TIMEOUT = {
  timeout: {
    type: 'number',
    default: 60,
    describe: 'seconds that Jupyter may take to come up (default: 60)',
    group: 'How:',
    requiresArg: true,
  },
} as const;

/** Returns the milliseconds of a --timeout. @throws UsageError when it is none. */
export function verifyTimeout(seconds: number): number {
  if (seconds > 0 && seconds <= MAX_TIMEOUT_S) return seconds * 1000;
  throw new UsageError(
    `--timeout is ${Number.isNaN(seconds) ? 'not a number' : seconds}: it is a number of seconds from 1 to ${MAX_TIMEOUT_S}`,
  );
}
