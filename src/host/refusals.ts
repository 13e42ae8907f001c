import { START_UP_FILES } from './failures.ts';

/** One reason why a host that let us log in does not run our script. */
export interface Refusal {
  readonly cause: string;
  /** Matches one line of what the host printed instead. */
  readonly words: RegExp;
  /** @param found what `words` captures @param command the ssh command by which the user can log in */
  readonly remedy: (found: readonly (string | undefined)[], command: string) => string;
}

/** What hosts print instead of running a script: sshd, PAM, login shells. The first that matches applies. */
export const REFUSALS: readonly Refusal[] = [
  {
    cause: 'password-expired',
    words: /password has expired|[Pp]assword change required|required to change your password/,
    remedy: (_, command) => `Log in once by hand, and choose a new password: ${command}`,
  },
  {
    cause: 'account-unavailable',
    words: /account is (?:currently )?(?:not available|disabled|locked)/,
    remedy: () =>
      'The account has no login shell (nologin). Ask the administrator for one, or log in as another user (User in ssh_config).',
  },
  {
    cause: 'copies-only',
    words: /sftp connections only|sftp only/i,
    remedy: () =>
      'The account may only copy files (internal-sftp in sshd_config). Ask the administrator for a shell, or log in as another user.',
  },
  {
    cause: 'git-service',
    words: /does not provide shell access|[Ss]hell access is (?:not|disabled)/,
    remedy: () => 'This is a service for git, without a shell. Check the HostName in your ssh_config.',
  },
  {
    cause: 'windows',
    words: /is not recognized as (?:an internal or external command|the name of a cmdlet)/,
    remedy: () => 'This is a Windows host. Let its sshd start a shell of WSL, or run an sshd inside WSL.',
  },
  {
    cause: 'restricted-shell',
    words: /: restricted/,
    remedy: () =>
      'The login shell is restricted (rbash) and runs no /bin/sh. Ask the administrator for another one.',
  },
  {
    cause: 'too-many-logins',
    words: /too many logins/,
    remedy: () => 'Close your other sessions on the host: maxlogins in its limits.conf allows no more.',
  },
  {
    cause: 'too-many-processes',
    words: /fork: .*[Rr]esource temporarily unavailable|[Cc]an(?:no|')t fork/,
    remedy: (_, command) =>
      `Your processes there have reached the limit (ulimit -u). End some of them: ${command} ps -u '$USER'`,
  },
  {
    cause: 'no-space',
    words: /No space left on device|[Dd]isk quota exceeded/,
    remedy: () => 'Remove files on the host: a file system is full, or your quota is used up.',
  },
  {
    cause: 'no-memory',
    words: /[Cc]annot allocate memory/,
    remedy: () => 'The host, or your share of it, is out of memory. End what uses it, or try again later.',
  },
  {
    cause: 'home',
    words: /Could not chdir to home directory (.+): (.+)/,
    remedy: ([, home]) =>
      `You cannot enter your home folder ${home}. Check that it is mounted, and its permissions.`,
  },
  {
    cause: 'shell-missing',
    words: /^(\/\S+): (?:No such file or directory|Exec format error|Permission denied)$/,
    remedy: ([, shell]) =>
      `The login shell ${shell} cannot be run there. Ask the administrator for another one (chsh).`,
  },
];

/** Programs that are not a sh, by their message when a start-up file has put them in the place of the login shell. */
const OTHER_PROGRAMS = [
  [/^fish: /, 'fish'],
  [/^(\w+: Undefined variable|Illegal variable name|Too many \)'s)\.$/, 'tcsh'],
  [/^zsh: /, 'zsh'],
  [/\bnu::parser\b/, 'nu'],
  [/^File "<stdin>", line \d/, 'python3'],
  [/^open terminal failed: /, 'tmux'],
  [/^Must be connected to a terminal/, 'screen'],
] as const;

/**
 * Why a session ended before our script began.
 * @param lines what the host printed instead
 * @param code the exit status of its shell
 * @param command the ssh command by which the user can log in
 */
export function notRun(
  lines: readonly string[],
  code: number | null,
  command: string,
): { what: string; remedy: string; printed?: string } {
  const what = 'did not run our script';
  const printed = lines.slice(-3).join(' / ');
  for (const { words, remedy } of REFUSALS) {
    const found = lines.map((line) => words.exec(line)).find(Boolean);
    if (found) return { what, remedy: remedy(found, command), printed };
  }
  const [, other] = OTHER_PROGRAMS.find(([message]) => lines.some((line) => message.test(line))) ?? [];
  const onTerminal = (own: string) =>
    `change that line so that it runs only on a terminal: [ -t 0 ] && ${own}. ${trial(command)}`;
  if (other)
    return {
      what: `${what}: ${other} runs instead of /bin/sh`,
      remedy: `Find the line that starts it in ${START_UP_FILES}, and ${onTerminal(`exec ${other}`)}`,
    };
  if (lines.length === 0)
    return {
      what: `${what}: its shell ended before that, with status ${code}`,
      remedy: `Either its shell runs no commands, as /bin/false does. Or ${START_UP_FILES}, ends the shell with exit or exec: ${onTerminal('exit')}`,
    };
  const remedy = `The account must be allowed to run commands (see ForceCommand in sshd_config, and command= in authorized_keys), the host needs a POSIX /bin/sh, and no start-up file may end the shell. ${trial(command)}`;
  return { what, remedy, printed };
}

/** How the user can try to run a script there. */
export function trial(command: string): string {
  return `Try: echo 'echo works' | ${command} /bin/sh -s`;
}
