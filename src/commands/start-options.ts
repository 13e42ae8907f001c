import { invalidNumber } from '../line/verb.ts';

const MAX_TIMEOUT_S = 86_400;

export const BROWSER = {
  browser: {
    type: 'boolean',
    default: true,
    describe: 'open the browser; --no-browser only prints the URL',
  },
} as const;

export const TIMEOUT = {
  timeout: {
    type: 'number',
    default: 60,
    describe: 'seconds to wait until Jupyter has started (default: 60)',
    group: 'How:',
    requiresArg: true,
  },
} as const;

/** Returns a --timeout in milliseconds. @throws UsageError when it is out of range */
export function verifyTimeout(seconds: number): number {
  if (seconds > 0 && seconds <= MAX_TIMEOUT_S) return seconds * 1000;
  throw invalidNumber('timeout', seconds, `a number of seconds from 1 to ${MAX_TIMEOUT_S}`);
}
