/**
 * What a host printed when it let us log in, and did not run a script: one record for each cause that the code knows, in
 * its order. Recorded on Debian 12 (OpenSSH 9.2, Linux-PAM 1.5.2, bash 5.2) unless `from` names another source.
 */
export interface Printed {
  readonly cause: string;
  readonly from?: string;
  readonly lines: readonly string[];
  /** A part of the remedy that no other cause has. */
  readonly remedy: string;
}

export const HOST_WORDS: readonly Printed[] = [
  {
    cause: 'password-expired',
    lines: ['WARNING: Your password has expired.', 'Password change required but no TTY available.'],
    remedy: 'choose a new password: ssh gpu',
  },
  {
    cause: 'account-unavailable',
    lines: ['This account is currently not available.'],
    remedy: 'no login shell (nologin)',
  },
  {
    cause: 'copies-only',
    lines: ['This service allows sftp connections only.'],
    remedy: 'may only copy files',
  },
  {
    cause: 'git-service',
    from: 'github.com',
    lines: ["Hi me! You've successfully authenticated, but GitHub does not provide shell access."],
    remedy: 'a service for git',
  },
  {
    cause: 'windows',
    from: 'cmd.exe of Windows, as its sshd runs it',
    lines: [
      "'exec' is not recognized as an internal or external command,",
      'operable program or batch file.',
    ],
    remedy: 'a Windows host',
  },
  {
    cause: 'restricted-shell',
    lines: ['rbash: line 1: exec: restricted'],
    remedy: 'The login shell is restricted',
  },
  {
    cause: 'too-many-logins',
    lines: ["There were too many logins for 'me'."],
    remedy: 'maxlogins',
  },
  {
    cause: 'too-many-processes',
    lines: ['/home/me/.bashrc: fork: retry: Resource temporarily unavailable'],
    remedy: 'ulimit -u',
  },
  {
    cause: 'no-space',
    lines: ['bash: line 1: /home/me/.cache/env: No space left on device'],
    remedy: 'a file system is full',
  },
  {
    cause: 'no-memory',
    from: 'bash 5.2, where fork(2) fails with ENOMEM',
    lines: ['bash: fork: Cannot allocate memory'],
    remedy: 'out of memory',
  },
  {
    cause: 'home',
    lines: ['Could not chdir to home directory /home/me: Permission denied'],
    remedy: 'You cannot enter your home folder /home/me',
  },
  {
    cause: 'shell-missing',
    lines: ['/opt/fish/bin/fish: No such file or directory'],
    remedy: 'The login shell /opt/fish/bin/fish cannot be run',
  },
];
