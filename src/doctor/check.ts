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

export const SIGNS: Readonly<Record<Verdict, string>> = {
  ok: '✓',
  warning: '!',
  failed: '✗',
  unchecked: '-',
};

const WIDTH = 16;

/** The lines of a check: its sign, its name and the facts, and below them what the user can do. */
export function checkLines({ name, verdict, found, fix }: Check, signs = SIGNS): string[] {
  const fixes = fix?.split('\n').map((line) => `→ ${line}`) ?? [];
  const [first, ...others] = [...found.split('\n'), ...fixes];
  const indent = ' '.repeat(WIDTH + 2);
  return [`${signs[verdict]} ${name.padEnd(WIDTH)}${first}`, ...others.map((line) => indent + line)];
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
