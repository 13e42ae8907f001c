import { lastValue } from '../host/protocol.ts';
import { examineHost } from '../host/servers.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
import { viaAnother } from '../ssh/resolve.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { connectionOf } from '../tunnel/connection.ts';
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

/** All checks that need ssh. Each depends on those before it. */
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
];

/** Makes all checks in order, and changes nothing. Those that depend on a failed check are `unchecked`. */
export async function diagnose(
  spec: ServerSpec,
  context: Context,
  report: (check: Check) => void,
): Promise<Check[]> {
  const checks: Check[] = [];
  const add = (check: Check) => {
    checks.push(check);
    report(check);
  };
  const remote = remoteChecks(spec, context);
  let next = await remote.next();
  for (; !next.done; next = await remote.next()) add(next.value);
  const done = checks.map(({ name }) => name);
  for (const name of LAYERS.filter((layer) => !done.includes(layer))) add(unchecked(name, next.value));
  add(await checkLocalPort(spec, context));
  add(await checkBrowser(context));
  return checks;
}

/** Yields each check that can be made. Returns the name of the failed check because of which others were not made. */
async function* remoteChecks(spec: ServerSpec, context: Context): AsyncGenerator<Check, string> {
  const ssh = await checkSsh(context);
  yield ssh;
  if (ssh.verdict === 'failed') return 'ssh';
  const connection = connectionOf(spec, context.env);
  const { check, resolved } = await checkSshConfig(connection, context);
  yield check;
  if (!resolved) return 'ssh_config';
  const proxy = viaAnother(resolved);
  for (const [name, look] of [
    ['name', checkName],
    ['reach', checkReach],
  ] as const) {
    const found = proxy ? ok(name, `left to the ${proxy}`) : await look(connection, resolved);
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
  const forwarding = await checkForwarding(connection, login.output, spec, context);
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
  yield printed.length === 0
    ? ok('start-up files', 'print nothing')
    : warning(
        'start-up files',
        `print: ${printed.slice(0, 3).join(' / ')}`,
        'This breaks scp, rsync and git, but not this program. Let them print on a terminal only: [ -t 1 ] && echo …',
      );
  yield* hostChecks(frames, spec);
  if (forwarding.verdict !== 'failed') yield* await serverChecks(frames, connection, context);
  return 'forwarding';
}
