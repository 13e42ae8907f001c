/** `unchecked`: what it depends on is broken, and nothing is guessed. */
export type Verdict = 'ok' | 'warning' | 'failed' | 'unchecked';

/** One layer of a server's way, and what was found there. */
export interface Check {
  readonly name: string;
  readonly verdict: Verdict;
  /** The fact, in one line or a few. */
  readonly found: string;
  /** What the user can do about it. */
  readonly fix?: string | undefined;
}

export function ok(name: string, found: string): Check {
  return { name, verdict: 'ok', found };
}

export function warning(name: string, found: string, fix?: string): Check {
  return { name, verdict: 'warning', found, fix };
}

export function failed(name: string, found: string, fix?: string): Check {
  return { name, verdict: 'failed', found, fix };
}

export function unchecked(name: string, cause: string): Check {
  return { name, verdict: 'unchecked', found: `not checked: ${cause}` };
}
