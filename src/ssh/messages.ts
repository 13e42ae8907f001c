import { commandLine } from '../system/command.ts';
import { Failure } from '../system/errors.ts';
import { configFileArgs, type Host } from './arguments.ts';
import { parseDestination } from './destination.ts';

/** Why ssh could not connect, as far as its words tell. */
export type SshCause =
  | 'unknown-host'
  | 'refused'
  | 'unreachable'
  | 'timed-out'
  | 'host-key-changed'
  | 'host-key-unknown'
  | 'authentication'
  | 'configuration'
  | 'forwarding-prohibited'
  | 'local-port-taken'
  | 'closed'
  | 'sessions-used-up'
  | 'other';

export class SshFailure extends Failure {
  readonly reason: SshCause;

  constructor(reason: SshCause, message: string, options: { remedy?: string | undefined } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** Read from the top: the first that fits counts. The words are those of OpenSSH 7.4 to 10. */
const CAUSES: readonly (readonly [SshCause, RegExp])[] = [
  ['sessions-used-up', /Session open refused by peer/],
  ['host-key-changed', /REMOTE HOST IDENTIFICATION HAS CHANGED/],
  ['host-key-unknown', /Host key verification failed|No .* host key is known/],
  [
    'configuration',
    /Bad configuration option|[Uu]nsupported option|Can't open user config|^\S+:? line \d+: /m,
  ],
  ['configuration', /terminating, \d+ bad configuration/],
  ['authentication', /Permission denied|Too many authentication failures|No more authentication methods/],
  ['unknown-host', /Could not resolve hostname/],
  ['refused', /Connection refused/],
  ['timed-out', /timed out|not responding/],
  ['unreachable', /No route to host|Network is unreachable|Host is down/],
  ['forwarding-prohibited', /administratively prohibited/],
  ['local-port-taken', /Address already in use|cannot listen to port/],
  ['closed', /Connection (?:closed|reset)|closed by remote host|Broken pipe|banner exchange/],
];

export function sshCause(words: string): SshCause {
  return CAUSES.find(([, pattern]) => pattern.test(words))?.[0] ?? 'other';
}

/** ssh's own line that says most: the one that named the cause, else the last. */
export function tellingLine(words: string): string {
  const lines = words
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^@+$/.test(line));
  const pattern = CAUSES.find(([, pattern]) => pattern.test(words))?.[1];
  const line = lines.findLast((line) => pattern?.test(line)) ?? lines.at(-1) ?? 'ssh said nothing';
  return line.replace(/^@\s*(.*?)\s*@$/, '$1');
}

/** The failure that ssh's words stand for, with what to do about it. */
export function sshFailure(host: Host, words: string): SshFailure {
  const { destination } = host;
  const cause = sshCause(words);
  return new SshFailure(cause, `cannot connect to ${destination}: ${tellingLine(words)}`, {
    remedy: remedy(cause, host, words),
  });
}

/** Why a session over the connection ended: mostly the connection did, and then ssh's own words mislead. */
export function sessionFailure(host: Host, words: string): SshFailure {
  const cause = sshCause(words);
  if (cause === 'sessions-used-up') return sshFailure(host, words);
  return new SshFailure('closed', `the connection to ${host.destination} was lost: ${tellingLine(words)}`, {
    remedy: 'Try once more: what still runs on the host is found again.',
  });
}

function remedy(cause: SshCause, host: Host, words: string): string | undefined {
  const { destination, sshConfig } = host;
  const file = sshConfig ?? '~/.ssh/config';
  const tryIt = handCommand(host);
  const remedies: Record<SshCause, string | undefined> = {
    'unknown-host': unknownHostRemedy(destination, file, words),
    refused:
      'The machine is there, but no sshd listens on that port. Is it the right port, and is sshd running?',
    unreachable: 'Is this machine online, and does the host need a VPN or a ProxyJump?',
    'timed-out': 'The host does not answer. Is it on, and does it need a VPN or a ProxyJump?',
    'host-key-changed': hostKeyRemedy(words),
    'host-key-unknown': `Connect once by hand, and compare the fingerprint before you accept it: ${tryIt}`,
    authentication: `Install your key there: ${tryIt.replace('ssh', 'ssh-copy-id')} (which keys are offered now tells: ${tryIt} -v)`,
    configuration: /Can't open user config/.test(words)
      ? `See that ${file} is there, and yours to read.`
      : `Mend the option in ${file}.`,
    'forwarding-prohibited':
      "The host's sshd forbids forwarding: AllowTcpForwarding or PermitOpen in its sshd_config.",
    'local-port-taken': undefined,
    'sessions-used-up': "The host's sshd allows no more sessions at once: MaxSessions in its sshd_config.",
    closed: `The host ended the connection. Try it by hand: ${tryIt}`,
    other: `Try it by hand: ${tryIt}`,
  };
  return remedies[cause];
}

/** ssh names the host that it looked for: another one than the user named stands in ssh_config. */
function unknownHostRemedy(destination: string, file: string, words: string): string {
  const named = parseDestination(destination).host;
  const sought = /Could not resolve hostname (.+?): /.exec(words)?.[1] ?? named;
  return sought.toLowerCase() === named.toLowerCase()
    ? `"${destination}" is neither a server nor a Host of ${file}, and no name server knows it. See: remote-notebook hosts`
    : `${file} leads from "${destination}" to "${sought}", which no name server knows: is its HostName or ProxyJump right, and this machine online?`;
}

/** What a user can type to see for themselves. */
export function handCommand(host: Host): string {
  return commandLine(['ssh', ...configFileArgs(host), host.destination]);
}

function hostKeyRemedy(words: string): string {
  const offending = /Offending .* key in (.+):(\d+)/.exec(words);
  const where = offending
    ? `the old key is line ${offending[2]} of ${offending[1]}`
    : 'the old key is in known_hosts';
  return `Somebody may be listening in, or the host was set up anew. Ask its administrator; ${where}.`;
}
