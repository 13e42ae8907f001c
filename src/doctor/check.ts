/** `unchecked`: an earlier check failed, so nothing can be known. */
export type Verdict = 'ok' | 'warning' | 'failed' | 'unchecked';

/** One step between this machine and a server, and its result. */
export interface Check {
  readonly name: string;
  readonly verdict: Verdict;
  /** The facts, in one line or a few. */
  readonly found: string;
  /** What the user can do. */
  readonly fix?: string | undefined;
}

function withVerdict(verdict: Verdict) {
  return (name: string, found: string, fix?: string): Check => ({ name, verdict, found, fix });
}

export const ok = withVerdict('ok');
export const warning = withVerdict('warning');
export const failed = withVerdict('failed');

export function unchecked(name: string, cause: string): Check {
  return { name, verdict: 'unchecked', found: `not checked: ${cause}` };
}
