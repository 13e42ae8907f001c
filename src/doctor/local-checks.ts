import { connect } from 'node:net';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
import { sshFailure } from '../ssh/messages.ts';
import { addressesOf, type Resolved, resolveDestination, viaAnother } from '../ssh/resolve.ts';
import { hasDesktop } from '../system/browser.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted, UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { isPortFree, portHolder } from '../system/port.ts';
import { run } from '../system/run.ts';
import { type Check, failed, ok, warning } from './check.ts';

/** The oldest whose words ssh/messages.ts knows. */
const OLDEST_SSH = 7.4;
const REACH_TIMEOUT_MS = 10_000;

export async function checkSsh(context: Context): Promise<Check> {
  try {
    const { stdout, stderr } = await run(['ssh', '-V'], context);
    return readVersion(`${stdout}${stderr}`.trim());
  } catch (error) {
    if (!(error instanceof Failure) || error instanceof Interrupted) throw error;
    return failed('ssh', error.message, 'Install it: the package openssh-client, or openssh.');
  }
}

/** @param words as `ssh -V` has them */
export function readVersion(words: string): Check {
  const version = Number(/OpenSSH\D*(\d+\.\d+)/.exec(words)?.[1]);
  if (version >= OLDEST_SSH) return ok('ssh', words);
  return warning('ssh', words, `Only OpenSSH ${OLDEST_SSH} and later is known to do all that is needed.`);
}

/** What ssh makes of the destination. */
export async function checkSshConfig(
  connection: Connection,
  context: Context,
): Promise<{ check: Check; resolved: Resolved | undefined }> {
  try {
    const resolved = await resolveDestination(connection, context);
    const way = viaAnother(resolved);
    const found = `${resolved.get('user')}@${resolved.get('hostname')}, port ${resolved.get('port')}`;
    return { check: ok('ssh_config', way ? `${found}, by ${way}` : found), resolved };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { check: failed('ssh_config', error.message, error.remedy), resolved: undefined };
  }
}

export async function checkName(connection: Connection, resolved: Resolved): Promise<Check> {
  const host = resolved.get('hostname') ?? '';
  try {
    return ok('name', (await addressesOf(host)).join(', '));
  } catch (error) {
    const words = `ssh: Could not resolve hostname ${host}: ${reason(error)}`;
    return failed('name', words.slice('ssh: '.length), sshFailure(connection, words).remedy);
  }
}

export function checkReach(connection: Connection, resolved: Resolved): Promise<Check> {
  const [host, port] = [resolved.get('hostname') ?? '', Number(resolved.get('port'))];
  const asked = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: REACH_TIMEOUT_MS });
    const finish = (check: Check) => {
      socket.destroy();
      resolve(check);
    };
    const fail = (words: string) =>
      finish(failed('reach', `${host} port ${port}: ${words}`, sshFailure(connection, words).remedy));
    socket.once('connect', () =>
      finish(ok('reach', `port ${port} answers within ${Math.ceil(performance.now() - asked)} ms`)),
    );
    socket.once('timeout', () => fail('Connection timed out'));
    socket.once('error', (error: NodeJS.ErrnoException) => fail(inWordsOfSsh(error)));
  });
}

function inWordsOfSsh({ code, message }: NodeJS.ErrnoException): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'Connection refused',
    ETIMEDOUT: 'Connection timed out',
    EHOSTUNREACH: 'No route to host',
    ENETUNREACH: 'Network is unreachable',
    ECONNRESET: 'Connection reset',
  };
  return words[code ?? ''] ?? message;
}

/** @param isOurs whether our own tunnel to this server holds the port */
export async function checkLocalPort(
  port: number,
  { strictPort }: ServerSpec,
  isOurs: boolean,
): Promise<Check> {
  const name = 'local port';
  if (isOurs) return ok(name, `${port} leads to the server`);
  if (await isPortFree(port)) return ok(name, `${port} is free`);
  const found = `${port} of this machine is taken${await by(port)}`;
  return strictPort
    ? failed(name, found, 'Name another with --local-port, or leave out --strict-port.')
    : warning(name, found, 'start takes the next one that is free; --local-port names another.');
}

/** Of a command line of the user's own, the program is looked for where its name is plain. */
async function checkNamedBrowser(line: string, context: Context): Promise<Check> {
  const [, program] = /^([\w./+-]+)(?:[\s:]|$)/.exec(line) ?? [];
  const found = `$BROWSER is ${line}`;
  if (program === undefined) return ok('browser', found);
  const { code } = await run(['/bin/sh', '-c', 'command -v "$1"', 'sh', program], context);
  if (code === 0) return ok('browser', found);
  return warning(
    'browser',
    `${found}, which is not there`,
    'Set BROWSER to a program that there is, or unset it.',
  );
}

async function by(port: number): Promise<string> {
  const holder = await portHolder(port);
  return holder ? ` by ${holder}` : '';
}

export async function checkBrowser(context: Context): Promise<Check> {
  const { env } = context;
  if (env.BROWSER) return checkNamedBrowser(env.BROWSER, context);
  if (hasDesktop(env)) return ok('browser', "the desktop's own");
  return warning(
    'browser',
    'this machine has no desktop to open one on',
    'start prints the URL: open it in any browser of this machine, or name one in $BROWSER.',
  );
}
