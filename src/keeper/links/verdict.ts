import { DENIED } from '../../ssh/causes/cause.ts';

/** What a login that failed means for the next one. */
export type Verdict = 'retry' | 'unreachable' | 'needs-login' | 'failed';

/** What no later login can change; ssh's own messages. */
const HOPELESS =
  /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|onfiguration option|onfiguration line|nsupported option/;

/** Whether sshd has accepted the connection, but ssh's ConnectTimeout has ended before its first line. */
export function isSlow(output: string): boolean {
  return /imed out during banner exchange/.test(output);
}

/** What ssh printed about the loss of its connection, and not about a forward that sshd had refused before. */
export function lossIn(output: string): string {
  return output.replace(/^channel \d+: open failed: .*\n?/gm, '');
}

const UNREACHABLE =
  /connect to host (?!.*onnection refused)|Could not resolve hostname|not responding|imed out/;

/** The verdict on ssh's output: never a retry that could lock the user out. */
export function verdictOn(output: string): Verdict {
  if (HOPELESS.test(output)) return 'failed';
  if (DENIED.test(output)) return 'needs-login';
  return UNREACHABLE.test(output) ? 'unreachable' : 'retry';
}
