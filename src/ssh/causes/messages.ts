import { commandLine } from '../../system/command.ts';
import { Failure } from '../../system/errors.ts';
import { configFileArgs, type Host } from '../arguments.ts';
import { type CauseRow, isByProxy, type Step } from './cause.ts';
import { type Clues, NO_CLUES } from './clues.ts';
import { LOGIN_CAUSES } from './login.ts';
import { PROXY_CAUSES } from './proxy.ts';
import { ROUTE_CAUSES } from './route.ts';

/** Why ssh could not connect, according to its output and to the clues of this machine. */
export type SshCause =
  | (typeof ROUTE_CAUSES | typeof LOGIN_CAUSES | typeof PROXY_CAUSES)[number]['cause']
  | 'other';

type Row = CauseRow & { readonly cause: SshCause };

const ROWS: readonly Row[] = [...ROUTE_CAUSES, ...LOGIN_CAUSES];
/** All causes that have a remedy of their own, in the order of their rank. */
export const SSH_CAUSES: readonly Row[] = [...ROWS, ...PROXY_CAUSES];

export class SshFailure extends Failure {
  readonly reason: SshCause;
  /** The step of doctor at which the cause shows. */
  readonly step: Step;
  /** The line of ssh's output that names the cause. */
  readonly line: string;

  constructor(
    reason: SshCause,
    message: string,
    {
      step = 'authentication',
      line = message,
      ...options
    }: { remedy?: string | undefined; step?: Step; line?: string } = {},
  ) {
    super(message, options);
    this.reason = reason;
    this.step = step;
    this.line = line;
  }
}

/** What else is known about a failed connection than ssh's output. */
export interface Circumstances {
  readonly clues?: Clues;
  /** The jump host that failed. */
  readonly jump?: string | undefined;
}

/** What ssh prints about connections that succeed, too. */
const NOISE = /^@+$|^\*\* |^Warning: Permanently added |^debug\d: |^OpenSSH_\S+ |^Authenticated to /;

function linesOf(output: string): string[] {
  const lines = output
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !NOISE.test(line));
  if (!isByProxy(output)) return lines;
  // ssh prints two lines about the end of its proxy. What the proxy printed has the cause, and may come after them.
  const last = lines.findLastIndex((line) => line.startsWith('kex_exchange_identification: '));
  const own = lines.filter((line, index) => index !== last && !isByProxy(line));
  return own.length === 0 ? lines.slice(-1) : own;
}

/** The first row of the table that applies, and the line of the output that shows it. */
function recognize(host: Host, output: string, { clues = NO_CLUES, jump }: Circumstances) {
  const lines = linesOf(output);
  const culprit = jump === undefined ? host : { ...host, destination: jump };
  const trouble = {
    output,
    clues,
    destination: culprit.destination,
    file: host.sshConfig ?? '~/.ssh/config',
    command: manualCommand(culprit),
  };
  for (const row of isByProxy(output) ? SSH_CAUSES : ROWS) {
    const line = lines.findLast((line) => row.words.test(line));
    const found = row.words.exec(line ?? '');
    if (line === undefined || !found || row.when?.({ ...trouble, found }) === false) continue;
    return { row, line: line.replace(/^@\s*(.*?)\s*@$/, '$1'), remedy: row.remedy({ ...trouble, found }) };
  }
  const line = lines.at(-1) ?? 'ssh printed no message';
  return { row: undefined, line, remedy: `Try it by hand: ${manualCommand(host)}` };
}

const SOME_HOST: Host = { destination: 'host', sshConfig: undefined };

/** The cause that ssh's output names. */
export function sshCause(output: string): SshCause {
  return recognize(SOME_HOST, output, {}).row?.cause ?? 'other';
}

/** The line of ssh's output to show: the last one that names the cause, else the last one. */
export function mainLine(output: string): string {
  return recognize(SOME_HOST, output, {}).line;
}

/** The failure that ssh's output describes, with a remedy. */
export function sshFailure(host: Host, output: string, circumstances: Circumstances = {}): SshFailure {
  const { row, line, remedy } = recognize(host, output, circumstances);
  const { jump } = circumstances;
  const by = jump ? ` by its jump host ${jump}` : isByProxy(output) ? ' by its ProxyCommand' : '';
  return new SshFailure(row?.cause ?? 'other', `cannot connect to ${host.destination}${by}: ${line}`, {
    remedy,
    line,
    ...(row ? { step: row.step } : {}),
  });
}

/** What ssh prints about the end of a proxy, and so about our ProxyCommand=false, which keeps a session from a new login. */
const PROXY_ENDED = /^(?:kex_exchange_identification: |.*UNKNOWN port 65535).*\n?/gm;

/**
 * Why a session on an open connection ended. Mostly the connection was lost, and only the ssh that kept it knows why.
 * @param output what the session's ssh printed
 * @param masterOutput what the ssh of the connection printed
 */
export function sessionFailure(host: Host, output: string, masterOutput = ''): SshFailure {
  const own = output.replace(PROXY_ENDED, '');
  if (sshCause(own) === 'sessions-used-up') return sshFailure(host, own);
  const line = mainLine(sshCause(masterOutput) === 'other' ? own : masterOutput);
  return new SshFailure('closed', `the connection to ${host.destination} was lost: ${line}`, {
    remedy: 'Run the command again: it finds what is still running on the host.',
  });
}

/** The ssh command by which a user can try the connection. */
export function manualCommand(host: Host): string {
  return commandLine(['ssh', ...configFileArgs(host), host.destination]);
}
