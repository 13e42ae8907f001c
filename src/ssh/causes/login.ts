import { shellQuote } from '../../system/command.ts';
import { type CauseRow, DENIED, isDenied, type Trouble } from './cause.ts';
import type { KeyFile } from './clues.ts';

export const FORWARDING_REMEDY =
  'Ask the administrator to allow it: AllowTcpForwarding and PermitOpen in sshd_config, or the restrictions of your key in authorized_keys. With Python 3.8 or newer on the host, no forwarding is needed.';

/**
 * What can fail from the login on: keys, agents, the account, sessions, forwarding. ssh prints the same `Permission
 * denied` for most of them: the clues of this machine decide. Messages of OpenSSH 7.4 to 10, and of Linux-PAM.
 */
export const LOGIN_CAUSES = [
  {
    cause: 'sessions-used-up',
    step: 'forwarding',
    words: /Session open refused by peer/,
    remedy: () => 'sshd on the host does not allow more sessions: see MaxSessions in its sshd_config.',
  },
  {
    cause: 'key-file-open',
    step: 'authentication',
    words: /Permissions \d+ for '(.+)' are too open/,
    when: isDenied,
    remedy: ({ found: [, key = ''] }) => openKeyRemedy(key),
  },
  {
    // If the host refuses the public key, ssh does not read the private one.
    cause: 'key-file-open',
    step: 'authentication',
    words: DENIED,
    when: (trouble) => !hasKey(trouble) && keyThatIs('open', trouble) !== undefined,
    remedy: (trouble) => openKeyRemedy(keyThatIs('open', trouble) ?? ''),
  },
  {
    cause: 'security-key-absent',
    step: 'authentication',
    words: /signing failed for \S+-SK "(.+)".*device not found/,
    when: isDenied,
    remedy: ({ found: [, key] }) => `Plug in the security key that belongs to ${key}, and try again.`,
  },
  {
    cause: 'agent-refuses',
    step: 'authentication',
    words: /signing failed for \S+ "(.+)" from agent: agent refused operation/,
    when: isDenied,
    remedy: ({ found: [, key = ''] }) =>
      `The agent has the key, but does not sign with it: unlock the agent or confirm the use, or load the key again: ssh-add ${shellQuote(privateKeyOf(key))}`,
  },
  {
    cause: 'too-many-keys',
    step: 'authentication',
    words: /Too many authentication failures/,
    remedy: ({ file, destination }) =>
      `ssh offered too many keys before the right one. Add to the Host of ${destination} in ${file}: IdentitiesOnly yes, and IdentityFile with the path of the right key.`,
  },
  {
    cause: 'key-file-unreadable',
    step: 'authentication',
    words: /Load key "(.+)": Permission denied/,
    when: (trouble) => isDenied(trouble) && !hasKey(trouble) && keyThatIs('locked', trouble) === undefined,
    remedy: ({ found: [, key = ''] }) =>
      `You cannot read the key file ${key}. Change its owner or its mode, or name another IdentityFile.`,
  },
  {
    cause: 'key-file-broken',
    step: 'authentication',
    words: /Load key "(.+)": (?!bad permissions|Permission denied|incorrect passphrase)/,
    when: (trouble) => isDenied(trouble) && !hasKey(trouble) && keyThatIs('locked', trouble) === undefined,
    remedy: ({ file, found: [, key] }) =>
      `${key} is not a private key that ssh can read. Name another IdentityFile in ${file}, or restore the key.`,
  },
  {
    cause: 'key-file-missing',
    step: 'authentication',
    words: /no such identity: (.+?): No such file/,
    when: (trouble) => isDenied(trouble) && !hasKey(trouble) && keyThatIs('locked', trouble) === undefined,
    remedy: ({ file, found: [, key = ''] }) =>
      `The key file ${key} does not exist: fix the IdentityFile in ${file}, or make the key (ssh-keygen -t ed25519 -f ${shellQuote(key)}) and install it with ssh-copy-id.`,
  },
  {
    cause: 'answer-needed',
    step: 'authentication',
    words: /Permission denied \((?!.*publickey)(.+)\)/,
    remedy: ({ found: [, methods] }) =>
      `The host requires ${methods}: run the command on a terminal, where ssh can ask you.`,
  },
  {
    cause: 'no-method',
    step: 'authentication',
    words: /Permission denied \(\)/,
    remedy: () =>
      'sshd on the host does not accept any login method: see AuthenticationMethods and PubkeyAuthentication in its sshd_config.',
  },
  {
    cause: 'key-locked',
    step: 'authentication',
    words: DENIED,
    when: (trouble) => !hasKey(trouble) && keyThatIs('locked', trouble) !== undefined,
    remedy: (trouble) => {
      const agent = typeof trouble.clues.agent === 'number' ? '' : 'eval "$(ssh-agent)"; ';
      return `The key needs its passphrase, which ssh cannot ask for here. Load it into an agent: ${agent}ssh-add ${shellQuote(keyThatIs('locked', trouble) ?? '')}`;
    },
  },
  {
    cause: 'agent-hangs',
    step: 'authentication',
    words: DENIED,
    when: (trouble) => !hasKey(trouble) && trouble.clues.agent === 'hangs',
    remedy: () =>
      'Your ssh agent does not respond: "ssh-add -l" hangs. Start it again, or set IdentityAgent none.',
  },
  {
    cause: 'no-key',
    step: 'authentication',
    words: DENIED,
    when: (trouble) => trouble.clues.agent !== undefined && !hasKey(trouble),
    remedy: ({ command }) =>
      `You have no key that ssh could offer. Make one, and install it: ssh-keygen -t ed25519, then ${copyCommand(command)}`,
  },
  {
    cause: 'key-refused',
    step: 'authentication',
    words: DENIED,
    remedy: ({ command }) =>
      `Install your key there: ${copyCommand(command)} (to see which keys ssh offers: ${command} -v). If it is installed, sshd's log on the host has the reason: a locked account, its login shell, AllowUsers, or the permissions of ~/.ssh.`,
  },
  {
    cause: 'account-expired',
    step: 'authentication',
    words: /[Aa]ccount has expired/,
    remedy: () => "Ask the host's administrator to extend your account.",
  },
  {
    cause: 'host-closed',
    step: 'authentication',
    words: /[Ss]ystem is (?:going down|booting up)|not permitted to log in|maintenance/,
    when: ({ output }) => /Connection closed/.test(output),
    remedy: () => 'The host accepts no logins at the moment. Try again later.',
  },
  {
    cause: 'forwarding-prohibited',
    step: 'forwarding',
    words: /administratively prohibited/,
    remedy: () => FORWARDING_REMEDY,
  },
  {
    cause: 'local-port-taken',
    step: 'forwarding',
    words: /Address already in use|cannot listen to port/,
    remedy: () => undefined,
  },
  {
    cause: 'login-cut',
    step: 'authentication',
    words: /^Connection (?:closed|reset) by (?!UNKNOWN)\S+ port \d+/,
    remedy: ({ command }) =>
      `sshd ended the login and gave no reason. Its log on the host has the reason: often the account is not admitted (PAM, access.conf). Try it by hand: ${command}`,
  },
  {
    cause: 'closed',
    step: 'authentication',
    words:
      /^(?!.*UNKNOWN port 65535).*(?:Connection (?:closed|reset)|closed by remote host|Broken pipe|banner exchange)/,
    remedy: ({ command }) => `The host ended the connection. Try it by hand: ${command}`,
  },
] as const satisfies readonly CauseRow[];

/** Whether ssh has a key to offer without a passphrase. */
function hasKey({ clues: { keys, agent } }: Trouble): boolean {
  return keys.some(({ state }) => state === 'usable') || (typeof agent === 'number' && agent > 0);
}

function keyThatIs(state: KeyFile['state'], { clues }: Trouble): string | undefined {
  return clues.keys.find((key) => key.state === state)?.path;
}

function openKeyRemedy(key: string): string {
  return `ssh ignores a key that others can read: chmod 600 ${shellQuote(key)}`;
}

function copyCommand(command: string): string {
  return command.replace('ssh', 'ssh-copy-id');
}

/** ssh names a key of the agent by the file of its public half, if IdentityFile does. */
function privateKeyOf(path: string): string {
  return path.replace(/\.pub$/, '');
}
