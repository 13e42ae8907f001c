import { commandLine } from '../system/command.ts';
import { Failure } from '../system/errors.ts';
import { configFileArgs, type Host } from './arguments.ts';
import { parseDestination } from './destination.ts';

/** Why ssh could not connect, according to its output. */
export type SshCause = (typeof CAUSES)[number][0] | 'other';

export class SshFailure extends Failure {
  readonly reason: SshCause;

  constructor(reason: SshCause, message: string, options: { remedy?: string | undefined } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** The messages of OpenSSH 7.4 to 10. The first that matches applies. */
const CAUSES = [
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
] as const;

/** The cause that ssh's output names. */
export function sshCause(output: string): SshCause {
  return CAUSES.find(([, pattern]) => pattern.test(output))?.[0] ?? 'other';
}

/** The line of ssh's output to show: the last one that names the cause, else the last one. */
export function mainLine(output: string): string {
  const lines = output
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^@+$/.test(line));
  const pattern = CAUSES.find(([, pattern]) => pattern.test(output))?.[1];
  const line = lines.findLast((line) => pattern?.test(line)) ?? lines.at(-1) ?? 'ssh printed no message';
  return line.replace(/^@\s*(.*?)\s*@$/, '$1');
}

/** The failure that ssh's output describes, with a remedy. */
export function sshFailure(host: Host, output: string): SshFailure {
  const cause = sshCause(output);
  return new SshFailure(cause, `cannot connect to ${host.destination}: ${mainLine(output)}`, {
    remedy: remedy(cause, host, output),
  });
}

/** Why a session on an open connection ended. Mostly the connection was lost, and ssh's message does not say so. */
export function sessionFailure(host: Host, output: string): SshFailure {
  if (sshCause(output) === 'sessions-used-up') return sshFailure(host, output);
  return new SshFailure('closed', `the connection to ${host.destination} was lost: ${mainLine(output)}`, {
    remedy: 'Run the command again: it finds what is still running on the host.',
  });
}

function remedy(cause: SshCause, host: Host, output: string): string | undefined {
  const file = host.sshConfig ?? '~/.ssh/config';
  const command = manualCommand(host);
  const remedies: Record<SshCause, string | undefined> = {
    'unknown-host': unknownHostRemedy(host.destination, file, output),
    refused: 'The machine is up, but no sshd listens on that port. Check the port and that sshd is running.',
    unreachable: 'Check that this machine is online, and whether the host needs a VPN or a ProxyJump.',
    'timed-out': 'The host does not respond. Check that it is on, and whether it needs a VPN or a ProxyJump.',
    'host-key-changed': hostKeyRemedy(output),
    'host-key-unknown': `Connect once by hand, and compare the fingerprint before you accept it: ${command}`,
    authentication: `Install your key there: ${command.replace('ssh', 'ssh-copy-id')} (to see which keys ssh offers: ${command} -v)`,
    configuration: /Can't open user config/.test(output)
      ? `Check that ${file} exists and that you can read it.`
      : `Fix the option in ${file}.`,
    'forwarding-prohibited':
      'sshd on the host does not allow forwarding: see AllowTcpForwarding and PermitOpen in its sshd_config.',
    'local-port-taken': undefined,
    'sessions-used-up': 'sshd on the host does not allow more sessions: see MaxSessions in its sshd_config.',
    closed: `The host ended the connection. Try it by hand: ${command}`,
    other: `Try it by hand: ${command}`,
  };
  return remedies[cause];
}

/** ssh names the host that it looked up; if the user named another one, ssh_config maps that name. */
function unknownHostRemedy(destination: string, file: string, output: string): string {
  const named = parseDestination(destination).host;
  const lookedUp = /Could not resolve hostname (.+?): /.exec(output)?.[1] ?? named;
  return lookedUp.toLowerCase() === named.toLowerCase()
    ? `"${destination}" is not a server or a Host of ${file}, and it cannot be resolved. To list the hosts: remote-notebook hosts`
    : `${file} maps "${destination}" to "${lookedUp}", which cannot be resolved. Check its HostName and ProxyJump, and that this machine is online.`;
}

/** The ssh command by which a user can try the connection. */
export function manualCommand(host: Host): string {
  return commandLine(['ssh', ...configFileArgs(host), host.destination]);
}

function hostKeyRemedy(output: string): string {
  const [, file, line] = /Offending .* key in (.+):(\d+)/.exec(output) ?? [];
  const where = file ? `line ${line} of ${file}` : 'in known_hosts';
  return `Either the host was reinstalled or somebody intercepts the connection. Ask its administrator; the old key is ${where}.`;
}
