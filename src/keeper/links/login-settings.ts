/**
 * Seconds until sshd must have responded: TCP repeats a lost packet ever more rarely, so a new try is sooner. An sshd that
 * accepts connections, but is slow to respond, gets more time at each try. Not through a proxy, which may have to wake
 * the machine up. The login itself takes as long as it takes.
 */
const CONNECT_TIMEOUTS = [4, 15, 60] as const;

/**
 * The options for a login that depend on ssh's version and on the ssh_config.
 * @param resolved what `ssh -G` prints
 * @param slowTries how many tries since the last success sshd has been too slow for
 */
export function loginSettings(resolved: string, slowTries: number): Record<string, string | number> {
  const isProxied = /^proxy(command|jump) (?!none$)/m.test(resolved);
  const timeoutS = CONNECT_TIMEOUTS[Math.min(slowTries, CONNECT_TIMEOUTS.length - 1)] ?? 60;
  return {
    ...(isProxied ? {} : { ConnectTimeout: timeoutS }),
    // From version 8.7, an ssh_config can send ssh to the background, where the keeper would not see its end.
    ...(/^forkafterauthentication /m.test(resolved) ? { ForkAfterAuthentication: 'no' } : {}),
  };
}
