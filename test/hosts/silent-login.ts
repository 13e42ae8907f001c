import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from './standing.ts';

/** An sshd that can be silent during a login, as one that waits for a confirmation on a phone. */
export interface SilentLogin {
  /** Lines for its sshd_config. */
  readonly sshdConfig: readonly string[];
  /** Makes the next login, and no other one, silent for some seconds. */
  silence(seconds: number): void;
}

/** Only root can have such an sshd. */
export function silentLogin(): SilentLogin {
  const folder = makeFolder('rn-silent-');
  const [script, file] = [join(folder, 'keys.sh'), join(folder, 'seconds')];
  // It accepts each key. sshd runs it twice for each login.
  writeFileSync(
    script,
    `seconds=$(cat '${file}' 2>/dev/null) && rm -f '${file}' && sleep "$seconds"\necho "$1 $2"\n`,
  );
  return {
    sshdConfig: [
      `AuthorizedKeysCommand /bin/sh ${script} %t %k`,
      `AuthorizedKeysCommandUser ${userInfo().username}`,
      'AuthorizedKeysFile none',
      'LoginGraceTime 0',
    ],
    silence: (seconds) => writeFileSync(file, String(seconds)),
  };
}
