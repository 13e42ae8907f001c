import { parseDestination } from '../destination.ts';
import { type CauseRow, isByProxy, type Trouble } from './cause.ts';
import { changedKeyRemedy } from './host-key.ts';

/**
 * What can fail before the login: configuration, name, proxy, network, host key. Messages of OpenSSH 7.4 to 10, and of
 * sh. A cause ranks before its consequences.
 */
export const ROUTE_CAUSES = [
  {
    cause: 'ssh-missing',
    step: 'ssh',
    words: /(?:^|: )ssh: (?:command )?not found|^ssh is not installed/,
    remedy: () =>
      'Install the package openssh-client (or openssh), and check that its folder is on your PATH.',
  },
  {
    cause: 'proxy-missing',
    step: 'reach',
    words:
      /(?:exec: )?([^: ]+): (?:(?:command )?not found|cannot execute: .+|Permission denied|[Nn]o such file or directory)$|command not found: (.+)$|Unknown command:? (.+)$/,
    when: ({ output }) => isByProxy(output),
    remedy: ({ file, found }) =>
      `The ProxyCommand cannot run ${found.slice(1).find(Boolean)} on this machine. Install it, or fix the ProxyCommand in ${file}.`,
  },
  {
    cause: 'config-permissions',
    step: 'ssh_config',
    words: /Bad owner or permissions on (.+)/,
    remedy: ({ found: [, file = ''] }) =>
      `ssh refuses a configuration that others can change. It must belong to you: chmod 600 ${file}`,
  },
  {
    cause: 'config-missing',
    step: 'ssh_config',
    words: /Can't open user config file (.+?):/,
    remedy: ({ file }) => `Check that ${file} exists and that you can read it.`,
  },
  {
    cause: 'configuration',
    step: 'ssh_config',
    words: /^(.+?):? line (\d+): |Bad configuration option|[Uu]nsupported option/,
    remedy: ({ file, found: [, where = file, line] }) =>
      line && line !== '0'
        ? `Fix line ${line} of ${where}, or remove it.`
        : `Fix the option in ${where}, or update ssh. To see its version: ssh -V`,
  },
  {
    cause: 'name-server-silent',
    step: 'name',
    words: /Could not resolve hostname (.+?): Temporary failure/,
    remedy: () => 'No name server responds. Check that this machine is online, and whether it needs a VPN.',
  },
  {
    cause: 'unknown-host',
    step: 'name',
    words: /Could not resolve hostname (.+?): /,
    remedy: unknownHostRemedy,
  },
  {
    cause: 'jump-name',
    step: 'reach',
    words: /open failed: connect failed: .*(?:not known|name resolution|nodename)/,
    when: isByJump,
    remedy: ({ file, destination }) =>
      `${destination} cannot resolve the HostName that ${file} gives. Use the name or the address by which ${destination} knows the host.`,
  },
  {
    cause: 'jump-refused',
    step: 'reach',
    words: /open failed: connect failed: (.+)/,
    when: isByJump,
    remedy: ({ file, destination }) =>
      `${destination} works, but cannot connect to the host. Check the host, and its HostName and Port in ${file}.`,
  },
  {
    cause: 'jump-forbids',
    step: 'reach',
    words: /open failed: administratively prohibited/,
    when: isByJump,
    remedy: ({ file, destination }) =>
      `sshd on ${destination} does not forward to other hosts: see AllowTcpForwarding and PermitOpen in its sshd_config, or choose another ProxyJump in ${file}.`,
  },
  {
    cause: 'host-key-revoked',
    step: 'host key',
    words: /REVOKED HOST KEY DETECTED/,
    remedy: () =>
      "Do not connect: this key was withdrawn, perhaps because it was stolen. Ask the host's administrator for its new key.",
  },
  {
    cause: 'host-key-changed',
    step: 'host key',
    words: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    remedy: changedKeyRemedy,
  },
  {
    cause: 'host-key-of-address',
    step: 'host key',
    words: /host key for '(.+)' differs from the key for the IP address '(.+)'/,
    when: ({ output }) => /strict checking|verification failed/.test(output),
    remedy: ({ output, found: [, , address] }) => {
      const [, file = 'known_hosts'] = /Offending key for IP in (.+):\d+/.exec(output) ?? [];
      return `known_hosts has this key for the name of the host, but another key for its address. If the address was reassigned, remove the old key: ssh-keygen -f "${file}" -R "${address}"`;
    },
  },
  {
    cause: 'host-key-unknown',
    step: 'host key',
    words: /Host key verification failed|No .* host key is known/,
    remedy: ({ command }) =>
      `Connect once by hand, and compare the fingerprint before you accept it: ${command}`,
  },
  {
    cause: 'old-host-key-type',
    step: 'host key',
    words: /no matching host key type found\. Their offer: ([^,\s]+)/,
    remedy: (trouble) => oldSshdRemedy(trouble, ['HostKeyAlgorithms', 'PubkeyAcceptedAlgorithms']),
  },
  {
    cause: 'old-key-exchange',
    step: 'host key',
    words: /no matching key exchange method found\. Their offer: ([^,\s]+)/,
    remedy: (trouble) => oldSshdRemedy(trouble, ['KexAlgorithms']),
  },
  {
    cause: 'old-cipher',
    step: 'host key',
    words: /no matching cipher found\. Their offer: ([^,\s]+)/,
    remedy: (trouble) => oldSshdRemedy(trouble, ['Ciphers']),
  },
  {
    cause: 'old-mac',
    step: 'host key',
    words: /no matching MAC found\. Their offer: ([^,\s]+)/,
    remedy: (trouble) => oldSshdRemedy(trouble, ['MACs']),
  },
  {
    cause: 'refused',
    step: 'reach',
    words: /Connection refused/,
    remedy: () =>
      'The machine is up, but no sshd listens on that port. Check the port and that sshd is running.',
  },
  {
    cause: 'connect-forbidden',
    step: 'reach',
    words: /connect to host .*(?:Operation not permitted|Permission denied)/,
    remedy: () => 'This machine does not let ssh connect: check its firewall or security software.',
  },
  {
    cause: 'no-local-address',
    step: 'reach',
    words: /Cannot assign requested address|Can't assign requested address/,
    remedy: ({ file }) =>
      `This machine does not have the local address from which ssh should connect: see BindAddress, BindInterface and AddressFamily in ${file}.`,
  },
  {
    cause: 'unreachable',
    step: 'reach',
    words: /No route to host|Network is unreachable|Host is down/,
    remedy: () => 'Check that this machine is online, and whether the host needs a VPN or a ProxyJump.',
  },
  {
    cause: 'silent-port',
    step: 'reach',
    words: /timed out during banner exchange/,
    remedy: ({ file }) =>
      `Something accepts the connection, but no sshd responds: the host is overloaded, a firewall holds the connection, or the Port in ${file} belongs to another service.`,
  },
  {
    cause: 'timed-out',
    step: 'reach',
    words: /timed out|not responding/,
    remedy: () =>
      'The host does not respond. Check that it is on, and whether it needs a VPN or a ProxyJump.',
  },
  {
    cause: 'penalty',
    step: 'host key',
    words: /kex_exchange_identification/,
    when: ({ clues }) => /^Not allowed at this time/.test(clues.greeting ?? ''),
    remedy: () =>
      'sshd has blocked this machine for a while, after failed logins (PerSourcePenalties). Wait a few minutes before you try again.',
  },
  {
    cause: 'too-many-logins-at-once',
    step: 'host key',
    words: /kex_exchange_identification/,
    when: ({ clues }) => /^Exceeded MaxStartups/.test(clues.greeting ?? ''),
    remedy: () => 'Too many logins are in progress on the host (MaxStartups). Try again in a moment.',
  },
  {
    cause: 'not-ssh',
    step: 'host key',
    words: /kex_exchange_identification/,
    when: ({ clues }) => clues.greeting !== undefined && !clues.greeting.startsWith('SSH-'),
    remedy: ({ file, clues }) =>
      `Another service has that port: it prints "${clues.greeting}". Check the Port in ${file}.`,
  },
  {
    cause: 'old-protocol',
    step: 'host key',
    words: /Protocol major versions differ/,
    remedy: () =>
      'The host offers only version 1 of the protocol, which ssh no longer knows. Its sshd must be updated.',
  },
  {
    cause: 'turned-away',
    step: 'host key',
    words: /kex_exchange_identification/,
    remedy: ({ command }) =>
      `The host closes the connection before the login: it may block this machine (fail2ban, a firewall) or be too busy. Wait a few minutes, then try: ${command}`,
  },
] as const satisfies readonly CauseRow[];

/** ssh prints this when it is a jump host's `ssh -W`. */
function isByJump({ output }: Trouble): boolean {
  return /stdio forwarding failed/.test(output);
}

/** ssh names the host that it looked up; if the user named another one, ssh_config maps that name. */
function unknownHostRemedy({ destination, file, found: [, lookedUp = ''] }: Trouble): string {
  const named = parseDestination(destination).host;
  return lookedUp.toLowerCase() === named.toLowerCase()
    ? `"${destination}" is not a server or a Host of ${file}, and it cannot be resolved. To list the hosts: remote-notebook hosts`
    : `${file} maps "${destination}" to "${lookedUp}", which cannot be resolved. Check its HostName and ProxyJump, and that this machine is online.`;
}

function oldSshdRemedy({ file, found: [, offer] }: Trouble, options: readonly string[]): string {
  const lines = options.map((option) => `${option} +${offer}`).join(' and ');
  return `The host's sshd offers only old algorithms, which this ssh refuses. Ask the administrator to update it. To accept the old algorithms for this host alone, add to its Host in ${file}: ${lines}`;
}
