import { connect } from 'node:net';
import type { ServerSpec } from '../model/server-spec.ts';
import { DEFAULT_PORT } from '../model/settings.ts';
import type { Connection, Host } from '../ssh/arguments.ts';
import { sshFailure } from '../ssh/causes/messages.ts';
import { addressesOf, type Resolved, resolveDestination, viaAnother } from '../ssh/resolve.ts';
import { readRecords } from '../state/records.ts';
import { hasDesktop } from '../system/browser.ts';
import type { Context } from '../system/context.ts';
import { Failure, failureIn, UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { isPortFree, portInUse } from '../system/port.ts';
import { run } from '../system/run.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { HangingSsh, verifyMaster } from '../tunnel/master.ts';
import { isForwardUp } from '../tunnel/tunnel.ts';
import { type Check, failed, ok, warning } from './check.ts';

/** The oldest version whose messages ssh/causes knows. */
const OLDEST_SSH = 7.4;
const REACH_TIMEOUT_MS = 10_000;

export async function checkSsh(host: Host, context: Context): Promise<Check> {
  try {
    const { stdout, stderr } = await run(['ssh', '-V'], context);
    return readVersion(`${stdout}${stderr}`.trim());
  } catch (error) {
    const { message } = failureIn(error);
    return failed('ssh', message, sshFailure(host, message).remedy);
  }
}

/** @param output that of `ssh -V` */
export function readVersion(output: string): Check {
  const version = Number(/OpenSSH\D*(\d+\.\d+)/.exec(output)?.[1]);
  if (version >= OLDEST_SSH) return ok('ssh', output);
  return warning('ssh', output, `Install OpenSSH ${OLDEST_SSH} or later: older versions are not tested.`);
}

/** Checks that ssh can resolve the destination by its configuration. */
export async function checkSshConfig(
  connection: Connection,
  context: Context,
): Promise<{ check: Check; resolved: Resolved | undefined }> {
  try {
    const resolved = await resolveDestination(connection, context);
    const proxy = viaAnother(resolved);
    const found = `${resolved.get('user')}@${resolved.get('hostname')}, port ${resolved.get('port')}`;
    return { check: ok('ssh_config', proxy ? `${found}, by ${proxy}` : found), resolved };
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
    const message = `Could not resolve hostname ${host}: ${reason(error)}`;
    return failed('name', message, sshFailure(connection, `ssh: ${message}`).remedy);
  }
}

export function checkReach(connection: Connection, resolved: Resolved): Promise<Check> {
  const [host, port] = [resolved.get('hostname') ?? '', Number(resolved.get('port'))];
  const begun = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: REACH_TIMEOUT_MS });
    const finish = (check: Check) => {
      socket.destroy();
      resolve(check);
    };
    const fail = (message: string) =>
      finish(failed('reach', `${host} port ${port}: ${message}`, sshFailure(connection, message).remedy));
    socket.once('connect', () =>
      finish(ok('reach', `port ${port} responds within ${Math.ceil(performance.now() - begun)} ms`)),
    );
    socket.once('timeout', () => fail('Connection timed out'));
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      fail(SSH_MESSAGES[code ?? ''] ?? message),
    );
  });
}

const SSH_MESSAGES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ETIMEDOUT: 'Connection timed out',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ECONNRESET: 'Connection reset',
};

export async function checkLocalPort(spec: ServerSpec, context: Context): Promise<Check> {
  const name = 'local port';
  const forward = readRecords(context)[spec.name]?.forwards.own;
  const port = spec.localPort ?? forward?.localPort ?? spec.port ?? DEFAULT_PORT;
  const connection = connectionOf(spec, context.env);
  if (forward && forward.localPort === port && (await isForwardUp(connection, forward))) {
    const hanging = await verifyMaster(connection, context).catch((error: unknown) => {
      if (error instanceof HangingSsh) return error;
      throw error;
    });
    return hanging
      ? failed(name, `${port} does not reach the server: ${hanging.message}`, hanging.remedy)
      : ok(name, `${port} leads to the server`);
  }
  const isFree = await isPortFree(port).catch(failureIn);
  if (isFree instanceof Failure) return failed(name, isFree.message, isFree.remedy);
  if (isFree) return ok(name, `${port} is free`);
  const found = await portInUse(port);
  return spec.strictPort && spec.localPort !== undefined
    ? failed(name, found, 'Choose another port with --local-port, or omit --strict-port.')
    : warning(name, found, 'start uses the next free port, or the one that --local-port names.');
}

export async function checkBrowser(context: Context): Promise<Check> {
  const { env } = context;
  if (!env.BROWSER)
    return hasDesktop(env)
      ? ok('browser', 'the default browser of the desktop')
      : warning(
          'browser',
          'this machine has no desktop',
          'start prints the URL: open it in any browser on this machine, or name a browser in $BROWSER.',
        );
  const found = `$BROWSER is ${env.BROWSER}`;
  // The program of a command line is only looked for if its name needs no shell to parse.
  const [, program] = /^([\w./+-]+)(?:[\s:]|$)/.exec(env.BROWSER) ?? [];
  if (program === undefined) return ok('browser', found);
  const { code } = await run(['/bin/sh', '-c', 'command -v "$1"', 'sh', program], context);
  if (code === 0) return ok('browser', found);
  return warning(
    'browser',
    `${found}, which is not installed`,
    'Set BROWSER to another program, or unset it.',
  );
}
