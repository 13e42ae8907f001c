import { type Frame, lastValue } from '../host/protocol.ts';
import { serverIn } from '../host/server-record.ts';
import { listensItself } from '../host/servers.ts';
import { type Api, askWebsocket, type Proof, proveServer } from '../jupyter/api.ts';
import { askKeepsOutput, describeKept } from '../jupyter/closed-page.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
import { readRecords } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure, failureIn } from '../system/errors.ts';
import { withBriefForward } from '../tunnel/brief-forward.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { serverTarget } from '../tunnel/target.ts';
import { isForwardUp } from '../tunnel/tunnel.ts';
import { type Check, failed, ok, unchecked } from './check.ts';

const RESPONSE_TIMEOUT_MS = 10_000;

/** The checks of a running server. */
export const SERVER_LAYERS = ['forwarding', 'api', 'websocket', 'output'];
/** Those that need its API. */
const AFTER_API = SERVER_LAYERS.slice(2).map((name) => unchecked(name, 'api'));

/**
 * Sends requests to the running server through a brief forward, or through its tunnel where sshd does not allow forwards.
 * Starts no kernel, and does not disturb any.
 */
export async function serverChecks(
  frames: readonly Frame[],
  spec: ServerSpec,
  connection: Connection,
  context: Context,
): Promise<Check[]> {
  const uncheckedAll = (cause: string) => SERVER_LAYERS.map((name) => unchecked(name, cause));
  if (lastValue(frames, 'runs') === undefined)
    return uncheckedAll(lastValue(frames, 'elsewhere') === undefined ? 'no server is running' : 'server');
  try {
    const found = serverIn(frames);
    if (!found) throw new Failure('the host did not describe its server completely');
    const { info, record } = found;
    const target = serverTarget(record);
    const port = await portOfTunnel(spec, context);
    const isOurs = () => listensItself({ connection, spec, context }, record);
    const api = { ...info, command: lastValue(frames, 'command') ?? '', isOurs };
    const check = (end: Api['end']) => checkApi({ ...api, end }, target, record.adopted, context);
    if (record.identity.kind === 'job' && port === undefined)
      return uncheckedAll(`there is no tunnel (to open it: remote-notebook start ${spec.name})`);
    if (port !== undefined && record.identity.kind === 'job')
      return [ok('forwarding', THROUGH_JOB), ...(await check({ port }))];
    const direct = await withBriefForward(connection, target, context, (socketPath) => check({ socketPath }));
    if (responds(direct)) return [ok('forwarding', `allowed to ${target}`), ...direct];
    const tunnelled = port === undefined ? [] : await check({ port });
    return responds(tunnelled)
      ? [ok('forwarding', WITHOUT_FORWARDING), ...tunnelled]
      : [unchecked('forwarding', 'api'), ...direct];
  } catch (error) {
    const { message, remedy } = failureIn(error);
    return [unchecked('forwarding', 'api'), failed('api', message, remedy), ...AFTER_API];
  }
}

const THROUGH_JOB = 'not needed: the connections go to the node of the job';

const WITHOUT_FORWARDING =
  'not allowed by sshd; the tunnel uses a command on the host instead, which takes one of its sessions (MaxSessions)';

/** The local port of the server's tunnel, if that is up. */
async function portOfTunnel(spec: ServerSpec, context: Context): Promise<number | undefined> {
  const own = readRecords(context)[spec.name]?.forwards.own;
  return own && (await isForwardUp(connectionOf(spec, context.env), own)) ? own.localPort : undefined;
}

function responds([api]: readonly Check[]): boolean {
  return api?.verdict === 'ok';
}

async function checkApi(api: Api, target: string, adopted: boolean, context: Context): Promise<Check[]> {
  const proof = await proveServer(api, undefined, context.signal, RESPONSE_TIMEOUT_MS);
  if (proof.state !== 'ours') return [notProven(proof, target), ...AFTER_API];
  return [
    ok('api', `responds, version ${proof.version ?? 'unknown'}`),
    await websocket(api, context),
    await output(api, adopted, context),
  ];
}

function notProven(proof: Exclude<Proof, { state: 'ours' }>, target: string): Check {
  if (proof.state === 'refused')
    return failed(
      'api',
      `the server on ${target} does not accept the token (HTTP ${proof.status})`,
      'Another server has that port: restart with another --port.',
    );
  return failed(
    'api',
    `${target} does not respond: ${proof.reason}`,
    'Its process may be stopped, or the host very busy: see remote-notebook logs. If sshd does not allow forwarding, open the tunnel and try again: remote-notebook forward',
  );
}

async function websocket(api: Api, { signal }: Context): Promise<Check> {
  const status = await askWebsocket(api, signal, RESPONSE_TIMEOUT_MS);
  if (status === 101) return ok('websocket', 'opens through the tunnel');
  if (status === 404) return ok('websocket', 'not available in this Jupyter before a kernel is running');
  return failed(
    'websocket',
    status === undefined ? 'no response' : `refused with HTTP ${status}`,
    'Kernels cannot connect. A proxy or an extension of Jupyter may be the reason. See: remote-notebook logs',
  );
}

/** What becomes of output without a page. Nothing is wrong with a server that does not keep it. */
async function output(api: Api, adopted: boolean, { signal }: Context): Promise<Check> {
  const isKept = await askKeepsOutput(api, signal, RESPONSE_TIMEOUT_MS);
  const lost = 'What cells print while no page is open is lost. To keep it: docs/how-to/long-work.md';
  return ok('output', isKept ? describeKept(adopted) : lost);
}
