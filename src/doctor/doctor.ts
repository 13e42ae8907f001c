import { lastValue } from '../host/protocol.ts';
import { examineHost } from '../host/servers.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
import { viaAnother } from '../ssh/resolve.ts';
import type { Context } from '../system/context.ts';
import { failureIn } from '../system/errors.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { type Check, failed, ok, unchecked, warning } from './check.ts';
import { JOB_LAYERS, jobChecks } from './job.ts';
import {
  checkBrowser,
  checkLocalPort,
  checkName,
  checkReach,
  checkSsh,
  checkSshConfig,
} from './local-checks.ts';
import { logIn } from './login.ts';
import { HOST_LAYERS, hostChecks } from './remote-checks.ts';
import { SERVER_LAYERS, serverChecks } from './server.ts';

/** All checks that need ssh. Each depends on those before it. */
const layersOf = ({ launcher }: ServerSpec) => [
  'ssh_config',
  'name',
  'reach',
  'host key',
  'authentication',
  'reconnect',
  'login shell',
  'start-up files',
  ...(launcher === 'direct' ? [] : JOB_LAYERS),
  ...HOST_LAYERS,
  ...SERVER_LAYERS,
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
  for (const name of layersOf(spec).filter((layer) => !done.includes(layer)))
    add(unchecked(name, next.value));
  add(await checkLocalPort(spec, context));
  add(await checkBrowser(context));
  return checks;
}

/** Yields each check that can be made. Returns the name of the failed check because of which others were not made. */
async function* remoteChecks(spec: ServerSpec, context: Context): AsyncGenerator<Check, string> {
  const ssh = await checkSsh(spec, context);
  yield ssh;
  if (ssh.verdict === 'failed') return 'ssh';
  const connection = connectionOf(spec, context.env);
  const { check, resolved } = await checkSshConfig(connection, context);
  yield check;
  if (!resolved) return 'ssh_config';
  const proxy = viaAnother(resolved);
  for (const [name, look] of proxy
    ? []
    : ([
        ['name', checkName],
        ['reach', checkReach],
      ] as const)) {
    const found = await look(connection, resolved);
    yield found;
    if (found.verdict === 'failed') return name;
  }
  if (proxy) yield ok('name', `not resolved here, but by the ${proxy}`);
  const login = await logIn(connection, context);
  try {
    // Only the login shows whether a proxy reaches the host.
    if (proxy && !login.checks.some(({ name }) => name === 'reach'))
      yield ok('reach', `the connection goes through the ${proxy}`);
    yield* login.checks;
    if (login.connection) return yield* hostAndServerChecks(spec, login.connection, context);
    return login.checks.find(({ verdict }) => verdict === 'failed')?.name ?? 'authentication';
  } finally {
    await login.end();
  }
}

async function* hostAndServerChecks(
  spec: ServerSpec,
  connection: Connection,
  context: Context,
): AsyncGenerator<Check, string> {
  let found: Awaited<ReturnType<typeof examineHost>>;
  try {
    found = await examineHost({ connection, spec, context });
  } catch (error) {
    const { message, remedy } = failureIn(error);
    yield failed('login shell', message, remedy);
    return 'login shell';
  }
  const { frames, printed } = found;
  const [shell, system] = [lastValue(frames, 'shell'), lastValue(frames, 'system')];
  yield ok('login shell', [shell ?? 'unknown', system].filter(Boolean).join(' on '));
  yield printed.length === 0
    ? ok('start-up files', 'print nothing')
    : warning(
        'start-up files',
        `print: ${printed.slice(0, 3).join(' / ')}`,
        'This breaks scp, rsync and git, but not this program. Change the start-up files so that they print only on a terminal: [ -t 1 ] && echo …',
      );
  if (spec.launcher !== 'direct') yield* await jobChecks(spec, connection, context);
  yield* hostChecks(frames, spec);
  yield* await serverChecks(frames, spec, connection, context);
  return 'server';
}
