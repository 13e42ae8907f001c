import { lastValue } from '../host/protocol.ts';
import { examineHost } from '../host/servers.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
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
  const add = (check: Check) => {
    checks.push(check);
    tell(check);
  };
  const remote = remoteChecks(spec, context);
  let next = await remote.next();
  for (; !next.done; next = await remote.next()) add(next.value);
  const done = checks.map(({ name }) => name);
  for (const name of LAYERS.filter((layer) => !done.includes(layer))) add(unchecked(name, next.value));
  add(await localPort(spec, context));
  add(await checkBrowser(context));
  return checks;
}

/** Yields each check that can be made. Returns the layer that keeps the rest from being checked, if any does. */
async function* remoteChecks(spec: ServerSpec, context: Context): AsyncGenerator<Check, string> {
  const ssh = await checkSsh(context);
  yield ssh;
  if (ssh.verdict === 'failed') return 'ssh';
  const connection = connectionOf(spec, context.env);
  const { check, resolved } = await checkSshConfig(connection, context);
  yield check;
  if (!resolved) return 'ssh_config';
  const way = viaAnother(resolved);
  for (const [name, look] of [
    ['name', checkName],
    ['reach', checkReach],
  ] as const) {
    const found = way ? ok(name, `left to the ${way}`) : await look(connection, resolved);
    yield found;
    if (found.verdict === 'failed') return name;
  }
  const login = await logIn(connection, context);
  try {
    yield* login.checks;
    if (login.connection) return yield* hostAndServerChecks(spec, login, login.connection, context);
    return login.checks.find(({ verdict }) => verdict === 'failed')?.name ?? 'authentication';
  } finally {
    await login.end();
  }
}

async function* hostAndServerChecks(
  spec: ServerSpec,
  login: Login,
  connection: Connection,
  context: Context,
): AsyncGenerator<Check, string> {
  const forwarding = await checkForwarding(connection, login.words, spec, context);
  yield forwarding;
  let found: Awaited<ReturnType<typeof examineHost>>;
  try {
    found = await examineHost({ connection, spec, context });
  } catch (error) {
    if (!(error instanceof Failure) || error instanceof Interrupted) throw error;
    yield failed('login shell', error.message, error.remedy);
    return 'login shell';
  }
  const { frames, printed } = found;
  yield ok('login shell', lastValue(frames, 'shell') ?? 'unknown');
  yield startUpFiles(printed);
  yield* hostChecks(frames, spec);
  if (forwarding.verdict !== 'failed') yield* await serverChecks(frames, connection, context);
  return 'forwarding';
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
