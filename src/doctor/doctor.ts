import { lastValue } from '../host/protocol.ts';
import { examineHost } from '../host/servers.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { viaAnother } from '../ssh/resolve.ts';
import { readRecords } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { connectionOf, isForwardUp } from '../tunnel/tunnel.ts';
import { type Check, failed, ok, unchecked, warning } from './check.ts';
import {
  checkBrowser,
  checkLocalPort,
  checkName,
  checkReach,
  checkSsh,
  checkSshConfig,
} from './local-checks.ts';
import { checkForwarding, type Login, logIn } from './login.ts';
import { HOST_LAYERS, hostChecks } from './remote-checks.ts';
import { serverChecks } from './server.ts';

/** All that needs ssh, in the order in which the layers stand on each other. */
const LAYERS = [
  'ssh_config',
  'name',
  'reach',
  'host key',
  'authentication',
  'reconnect',
  'forwarding',
  'login shell',
  'start-up files',
  ...HOST_LAYERS,
  'api',
  'websocket',
] as const;

/** Checks every layer in order, and changes nothing. What depends on a broken one is not checked. */
export async function diagnose(
  spec: ServerSpec,
  context: Context,
  tell: (check: Check) => void,
): Promise<Check[]> {
  const checks: Check[] = [];
  const add = (...more: Check[]) => {
    for (const check of more) {
      checks.push(check);
      tell(check);
    }
  };
  const ssh = await checkSsh(context);
  add(ssh);
  if (ssh.verdict === 'failed') add(...LAYERS.map((name) => unchecked(name, 'ssh')));
  else await checkRemote(spec, context, add);
  add(await localPort(spec, context), await checkBrowser(context));
  return checks;
}

async function checkRemote(
  spec: ServerSpec,
  context: Context,
  add: (...checks: Check[]) => void,
): Promise<void> {
  const done = new Set<string>();
  const put = (...checks: Check[]) => {
    for (const { name } of checks) done.add(name);
    add(...checks);
  };
  const rest = (cause: string) =>
    put(...LAYERS.filter((name) => !done.has(name)).map((name) => unchecked(name, cause)));
  const connection = connectionOf(spec, context.env);
  const { check, resolved } = await checkSshConfig(connection, context);
  put(check);
  if (!resolved) return rest('ssh_config');
  const way = viaAnother(resolved);
  if (way) put(ok('name', `left to the ${way}`), ok('reach', `left to the ${way}`));
  else {
    const name = await checkName(connection, resolved);
    put(name);
    if (name.verdict === 'failed') return rest('name');
    const reach = await checkReach(connection, resolved);
    put(reach);
    if (reach.verdict === 'failed') return rest('reach');
  }
  const login = await logIn(connection, context);
  try {
    put(...login.checks);
    if (!login.connection)
      return rest(login.checks.find(({ verdict }) => verdict === 'failed')?.name ?? 'authentication');
    await checkHost(spec, login, context, put, rest);
  } finally {
    await login.end();
  }
}

async function checkHost(
  spec: ServerSpec,
  login: Login,
  context: Context,
  put: (...checks: Check[]) => void,
  rest: (cause: string) => void,
): Promise<void> {
  const { connection } = login;
  if (!connection) return;
  const forwarding = await checkForwarding(login, spec, context);
  put(forwarding);
  let found: Awaited<ReturnType<typeof examineHost>>;
  try {
    found = await examineHost(connection, spec, context);
  } catch (error) {
    if (!(error instanceof Failure) || error instanceof Interrupted) throw error;
    put(failed('login shell', error.message, error.remedy));
    return rest('login shell');
  }
  const { frames, printed } = found;
  put(ok('login shell', lastValue(frames, 'shell') ?? 'unknown'), startUpFiles(printed));
  put(...hostChecks(frames, spec));
  if (forwarding.verdict === 'failed') return rest('forwarding');
  put(...(await serverChecks(frames, connection, context)));
}

function startUpFiles(printed: readonly string[]): Check {
  const name = 'start-up files';
  if (printed.length === 0) return ok(name, 'print nothing');
  return warning(
    name,
    `print: ${printed.slice(0, 3).join(' / ')}`,
    'scp, rsync and git stumble over it; this program does not. Let them print on a terminal only: [ -t 1 ] && echo …',
  );
}

async function localPort(spec: ServerSpec, context: Context): Promise<Check> {
  const forward = readRecords(context)[spec.name]?.forwards.own;
  const port = spec.localPort ?? forward?.localPort ?? spec.port;
  const isOurs = forward?.localPort === port && (await isForwardUp(connectionOf(spec, context.env), forward));
  return checkLocalPort(port, spec, isOurs);
}
