import type { Host } from '../../src/ssh/arguments.ts';
import type { KeyFile } from '../../src/ssh/causes/clues.ts';
import { type Circumstances, type SshFailure, sshFailure } from '../../src/ssh/causes/messages.ts';

/**
 * What ssh printed when a connection failed: one record for each cause that the code knows, in its order. Recorded from
 * runs of OpenSSH 9.2 (Debian 12) against an sshd of the same version unless `from` names another source; only names,
 * addresses and paths were replaced. docs/troubleshooting.md shows these messages.
 */
export interface Recorded {
  readonly cause: string;
  readonly output: readonly string[];
  readonly from?: string;
  readonly circumstances?: Circumstances;
  /** The line that the user reads. */
  readonly line: string;
  /** A part of the remedy that no other cause has. */
  readonly remedy: string;
}

export const GPU: Host = { destination: 'gpu', sshConfig: undefined };

export function failureOf({ output, circumstances }: Recorded): SshFailure {
  return sshFailure(GPU, `${output.join('\r\n')}\r\n`, circumstances);
}

const REFUSED = 'me@gpu: Permission denied (publickey).';
const AT_SIGNS = '@'.repeat(59);
/** What ssh prints when its proxy has ended. */
const BY_PROXY = [
  'kex_exchange_identification: Connection closed by remote host',
  'Connection closed by UNKNOWN port 65535',
];
const CLOSED_AT_ONCE = [
  'kex_exchange_identification: Connection closed by remote host',
  'Connection closed by 192.0.2.1 port 22',
];
const KEY = '/home/me/.ssh/id_ed25519';

const greeting = (text: string): Circumstances => ({ clues: { keys: [], greeting: text } });
const keys = (state: KeyFile['state'], agent: number | 'none' | 'hangs' = 'none'): Circumstances => ({
  clues: { keys: [{ path: KEY, state }], agent },
});

export const SSH_WORDS: readonly Recorded[] = [
  {
    cause: 'ssh-missing',
    from: 'remote-notebook itself',
    output: ['ssh is not installed on this machine, or not on its PATH'],
    line: 'ssh is not installed on this machine, or not on its PATH',
    remedy: 'Install the package openssh-client',
  },
  {
    cause: 'proxy-missing',
    output: ['/bin/sh: 1: exec: cloudflared: not found', ...BY_PROXY],
    line: '/bin/sh: 1: exec: cloudflared: not found',
    remedy: 'The ProxyCommand cannot run cloudflared on this machine',
  },
  {
    cause: 'config-permissions',
    output: ['Bad owner or permissions on /home/me/.ssh/config'],
    line: 'Bad owner or permissions on /home/me/.ssh/config',
    remedy: 'chmod 600 /home/me/.ssh/config',
  },
  {
    cause: 'config-missing',
    output: ["Can't open user config file /home/me/lab.conf: No such file or directory"],
    line: "Can't open user config file /home/me/lab.conf: No such file or directory",
    remedy: 'exists and that you can read it',
  },
  {
    cause: 'configuration',
    output: [
      '/home/me/.ssh/config: line 11: Bad configuration option: nosuchoption',
      '/home/me/.ssh/config: terminating, 1 bad configuration options',
    ],
    line: '/home/me/.ssh/config: line 11: Bad configuration option: nosuchoption',
    remedy: 'Fix line 11 of /home/me/.ssh/config',
  },
  {
    cause: 'name-server-silent',
    output: ['ssh: Could not resolve hostname gpu: Temporary failure in name resolution'],
    line: 'ssh: Could not resolve hostname gpu: Temporary failure in name resolution',
    remedy: 'No name server responds',
  },
  {
    cause: 'unknown-host',
    output: ['ssh: Could not resolve hostname gpu: Name or service not known'],
    line: 'ssh: Could not resolve hostname gpu: Name or service not known',
    remedy: 'is not a server or a Host of ~/.ssh/config',
  },
  {
    cause: 'jump-name',
    output: [
      'channel 0: open failed: connect failed: Name or service not known',
      'stdio forwarding failed',
      ...BY_PROXY,
    ],
    circumstances: { jump: 'bastion' },
    line: 'channel 0: open failed: connect failed: Name or service not known',
    remedy: 'bastion cannot resolve the HostName that ~/.ssh/config gives',
  },
  {
    cause: 'jump-refused',
    output: [
      'channel 0: open failed: connect failed: Connection refused',
      'stdio forwarding failed',
      ...BY_PROXY,
    ],
    circumstances: { jump: 'bastion' },
    line: 'channel 0: open failed: connect failed: Connection refused',
    remedy: 'bastion works, but cannot connect to the host',
  },
  {
    cause: 'jump-forbids',
    output: [
      'channel 0: open failed: administratively prohibited: open failed',
      'stdio forwarding failed',
      ...BY_PROXY,
    ],
    circumstances: { jump: 'bastion' },
    line: 'channel 0: open failed: administratively prohibited: open failed',
    remedy: 'sshd on bastion does not forward to other hosts',
  },
  {
    cause: 'host-key-revoked',
    output: [
      AT_SIGNS,
      '@       WARNING: REVOKED HOST KEY DETECTED!               @',
      AT_SIGNS,
      'The ED25519 host key for gpu is marked as revoked.',
      'This could mean that a stolen key is being used to',
      'impersonate this host.',
      'ED25519 host key for gpu was revoked and you have requested strict checking.',
      'Host key verification failed.',
    ],
    line: 'WARNING: REVOKED HOST KEY DETECTED!',
    remedy: 'this key was withdrawn',
  },
  {
    cause: 'host-key-changed',
    output: [
      AT_SIGNS,
      '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @',
      AT_SIGNS,
      'IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!',
      'Someone could be eavesdropping on you right now (man-in-the-middle attack)!',
      'It is also possible that a host key has just been changed.',
      'The fingerprint for the ED25519 key sent by the remote host is',
      'SHA256:OPMRB5R3/XyDaPqcNUJW+83o0MphuPCqqfQVmkKQF1Y.',
      'Please contact your system administrator.',
      'Add correct host key in /home/me/.ssh/known_hosts to get rid of this message.',
      'Offending ECDSA key in /home/me/.ssh/known_hosts:7',
      '  remove with:',
      '  ssh-keygen -f "/home/me/.ssh/known_hosts" -R "gpu"',
      'Host key for gpu has changed and you have requested strict checking.',
      'Host key verification failed.',
    ],
    line: 'WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!',
    circumstances: {
      clues: { keys: [], formerKey: 'SHA256:Xpk3+VX0JmHVXnCCTVjcbNsC4SP0lMaN2bmUZhxPlJg' },
    },
    remedy: 'ssh-keygen -R gpu -f /home/me/.ssh/known_hosts',
  },
  {
    cause: 'host-key-of-address',
    from: 'ssh/sshconnect.c of OpenSSH 9.2',
    output: [
      "Warning: the ED25519 host key for 'gpu' differs from the key for the IP address '192.0.2.1'",
      'Offending key for IP in /home/me/.ssh/known_hosts:2',
      'Matching host key in /home/me/.ssh/known_hosts:1',
      'Exiting, you have requested strict checking.',
      'Host key verification failed.',
    ],
    line: "Warning: the ED25519 host key for 'gpu' differs from the key for the IP address '192.0.2.1'",
    remedy: 'ssh-keygen -f "/home/me/.ssh/known_hosts" -R "192.0.2.1"',
  },
  {
    cause: 'host-key-unknown',
    output: [
      'No ED25519 host key is known for gpu and you have requested strict checking.',
      'Host key verification failed.',
    ],
    line: 'Host key verification failed.',
    remedy: 'compare the fingerprint before you accept it: ssh gpu',
  },
  {
    cause: 'old-host-key-type',
    output: [
      'Unable to negotiate with 192.0.2.1 port 22: no matching host key type found. Their offer: ssh-rsa',
    ],
    line: 'Unable to negotiate with 192.0.2.1 port 22: no matching host key type found. Their offer: ssh-rsa',
    remedy: 'HostKeyAlgorithms +ssh-rsa and PubkeyAcceptedAlgorithms +ssh-rsa',
  },
  {
    cause: 'old-key-exchange',
    output: [
      'Unable to negotiate with 192.0.2.1 port 22: no matching key exchange method found. Their offer: diffie-hellman-group14-sha1,kex-strict-s-v00@openssh.com',
    ],
    line: 'Unable to negotiate with 192.0.2.1 port 22: no matching key exchange method found. Their offer: diffie-hellman-group14-sha1,kex-strict-s-v00@openssh.com',
    remedy: 'KexAlgorithms +diffie-hellman-group14-sha1',
  },
  {
    cause: 'old-cipher',
    output: ['Unable to negotiate with 192.0.2.1 port 22: no matching cipher found. Their offer: aes128-cbc'],
    line: 'Unable to negotiate with 192.0.2.1 port 22: no matching cipher found. Their offer: aes128-cbc',
    remedy: 'Ciphers +aes128-cbc',
  },
  {
    cause: 'old-mac',
    output: ['Unable to negotiate with 192.0.2.1 port 22: no matching MAC found. Their offer: hmac-md5'],
    line: 'Unable to negotiate with 192.0.2.1 port 22: no matching MAC found. Their offer: hmac-md5',
    remedy: 'MACs +hmac-md5',
  },
  {
    cause: 'refused',
    output: ['ssh: connect to host gpu port 22: Connection refused'],
    line: 'ssh: connect to host gpu port 22: Connection refused',
    remedy: 'no sshd listens on that port',
  },
  {
    cause: 'connect-forbidden',
    output: ['ssh: connect to host gpu port 22: Permission denied'],
    line: 'ssh: connect to host gpu port 22: Permission denied',
    remedy: 'check its firewall',
  },
  {
    cause: 'no-local-address',
    output: ['ssh: connect to host gpu port 22: Cannot assign requested address'],
    line: 'ssh: connect to host gpu port 22: Cannot assign requested address',
    remedy: 'BindAddress',
  },
  {
    cause: 'unreachable',
    output: ['ssh: connect to host gpu port 22: No route to host'],
    line: 'ssh: connect to host gpu port 22: No route to host',
    remedy: 'Check that this machine is online',
  },
  {
    cause: 'silent-port',
    output: ['Connection timed out during banner exchange', 'Connection to 192.0.2.1 port 22 timed out'],
    line: 'Connection timed out during banner exchange',
    remedy: 'no sshd responds',
  },
  {
    cause: 'timed-out',
    output: ['ssh: connect to host gpu port 22: Connection timed out'],
    line: 'ssh: connect to host gpu port 22: Connection timed out',
    remedy: 'The host does not respond',
  },
  {
    cause: 'penalty',
    from: 'OpenSSH 9.2 against an sshd 10.0 (Debian 13)',
    output: CLOSED_AT_ONCE,
    circumstances: greeting('Not allowed at this time'),
    line: 'kex_exchange_identification: Connection closed by remote host',
    remedy: 'PerSourcePenalties',
  },
  {
    cause: 'too-many-logins-at-once',
    output: CLOSED_AT_ONCE,
    circumstances: greeting('Exceeded MaxStartups'),
    line: 'kex_exchange_identification: Connection closed by remote host',
    remedy: 'MaxStartups',
  },
  {
    cause: 'not-ssh',
    output: CLOSED_AT_ONCE,
    circumstances: greeting('HTTP/1.1 400 Bad Request'),
    line: 'kex_exchange_identification: Connection closed by remote host',
    remedy: 'it prints "HTTP/1.1 400 Bad Request"',
  },
  {
    cause: 'old-protocol',
    output: [
      'Protocol major versions differ: 2 vs. 1',
      'banner exchange: Connection to 192.0.2.1 port 22: could not read protocol version',
    ],
    line: 'Protocol major versions differ: 2 vs. 1',
    remedy: 'only version 1 of the protocol',
  },
  {
    cause: 'turned-away',
    output: [
      'kex_exchange_identification: read: Connection reset by peer',
      'Connection reset by 192.0.2.1 port 22',
    ],
    line: 'kex_exchange_identification: read: Connection reset by peer',
    remedy: 'fail2ban',
  },
  {
    cause: 'sessions-used-up',
    output: ['mux_client_request_session: session request failed: Session open refused by peer'],
    line: 'mux_client_request_session: session request failed: Session open refused by peer',
    remedy: 'MaxSessions',
  },
  {
    cause: 'key-file-open',
    output: [
      AT_SIGNS,
      '@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @',
      AT_SIGNS,
      `Permissions 0644 for '${KEY}' are too open.`,
      'It is required that your private key files are NOT accessible by others.',
      'This private key will be ignored.',
      `Load key "${KEY}": bad permissions`,
      REFUSED,
    ],
    line: `Permissions 0644 for '${KEY}' are too open.`,
    remedy: `chmod 600 ${KEY}`,
  },
  {
    cause: 'security-key-absent',
    from: 'ssh/sshconnect2.c and ssh/ssherr.c (SSH_ERR_DEVICE_NOT_FOUND)',
    output: [
      'sign_and_send_pubkey: signing failed for ED25519-SK "/home/me/.ssh/id_ed25519_sk": device not found',
      REFUSED,
    ],
    line: 'sign_and_send_pubkey: signing failed for ED25519-SK "/home/me/.ssh/id_ed25519_sk": device not found',
    remedy: 'Plug in the security key',
  },
  {
    cause: 'agent-refuses',
    output: [
      `sign_and_send_pubkey: signing failed for ED25519 "${KEY}.pub" from agent: agent refused operation`,
      REFUSED,
    ],
    line: `sign_and_send_pubkey: signing failed for ED25519 "${KEY}.pub" from agent: agent refused operation`,
    remedy: `load the key again: ssh-add ${KEY}`,
  },
  {
    cause: 'too-many-keys',
    output: [
      'Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures',
      'Disconnected from 192.0.2.1 port 22',
    ],
    line: 'Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures',
    remedy: 'IdentitiesOnly yes',
  },
  {
    cause: 'key-file-unreadable',
    output: [`Load key "${KEY}": Permission denied`, REFUSED],
    line: `Load key "${KEY}": Permission denied`,
    remedy: `You cannot read the key file ${KEY}`,
  },
  {
    cause: 'key-file-broken',
    output: [`Load key "${KEY}": error in libcrypto`, REFUSED],
    line: `Load key "${KEY}": error in libcrypto`,
    remedy: 'is not a private key that ssh can read',
  },
  {
    cause: 'key-file-missing',
    output: ['no such identity: /home/me/.ssh/lab: No such file or directory', REFUSED],
    line: 'no such identity: /home/me/.ssh/lab: No such file or directory',
    remedy: 'The key file /home/me/.ssh/lab does not exist',
  },
  {
    cause: 'answer-needed',
    output: ['me@gpu: Permission denied (password,keyboard-interactive).'],
    line: 'me@gpu: Permission denied (password,keyboard-interactive).',
    remedy: 'run the command on a terminal',
  },
  {
    cause: 'no-method',
    output: ['me@gpu: Permission denied ().'],
    line: 'me@gpu: Permission denied ().',
    remedy: 'does not accept any login method',
  },
  {
    cause: 'key-locked',
    output: [REFUSED],
    circumstances: keys('locked', 0),
    line: REFUSED,
    remedy: `needs its passphrase, which ssh cannot ask for here. Load it into an agent: ssh-add ${KEY}`,
  },
  {
    cause: 'agent-hangs',
    output: [REFUSED],
    circumstances: keys('missing', 'hangs'),
    line: REFUSED,
    remedy: 'Your ssh agent does not respond',
  },
  {
    cause: 'no-key',
    output: [REFUSED],
    circumstances: keys('missing'),
    line: REFUSED,
    remedy: 'ssh-keygen -t ed25519, then ssh-copy-id gpu',
  },
  {
    cause: 'key-refused',
    output: [REFUSED],
    circumstances: keys('usable'),
    line: REFUSED,
    remedy: 'Install your key there: ssh-copy-id gpu',
  },
  {
    cause: 'account-expired',
    from: 'OpenSSH 9.2 and Linux-PAM 1.5.2',
    output: [
      'Your account has expired; please contact your system administrator.',
      'Connection closed by 192.0.2.1 port 22',
    ],
    line: 'Your account has expired; please contact your system administrator.',
    remedy: 'extend your account',
  },
  {
    cause: 'host-closed',
    from: 'OpenSSH 9.2 and Linux-PAM 1.5.2 (pam_nologin)',
    output: ['System is going down for maintenance.', 'Connection closed by 192.0.2.1 port 22'],
    line: 'System is going down for maintenance.',
    remedy: 'accepts no logins at the moment',
  },
  {
    cause: 'forwarding-prohibited',
    output: ['channel 2: open failed: administratively prohibited: open failed'],
    line: 'channel 2: open failed: administratively prohibited: open failed',
    remedy: 'AllowTcpForwarding and PermitOpen in sshd_config',
  },
  {
    cause: 'login-cut',
    from: 'OpenSSH 9.2 and Linux-PAM 1.5.2 (pam_deny)',
    output: ['Connection closed by 192.0.2.1 port 22'],
    line: 'Connection closed by 192.0.2.1 port 22',
    remedy: 'sshd ended the login and gave no reason',
  },
  {
    cause: 'closed',
    output: ['client_loop: send disconnect: Broken pipe'],
    line: 'client_loop: send disconnect: Broken pipe',
    remedy: 'The host ended the connection. Try it by hand: ssh gpu',
  },
  {
    cause: 'proxy',
    output: ['Not logged in. Run: vpn login', ...BY_PROXY],
    line: 'Not logged in. Run: vpn login',
    remedy: 'what the ProxyCommand of ~/.ssh/config printed',
  },
  {
    cause: 'proxy-silent',
    output: BY_PROXY,
    line: 'Connection closed by UNKNOWN port 65535',
    remedy: 'ended, and printed no reason',
  },
];
