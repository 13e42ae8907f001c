import { type Frame, lastValue } from '../host/protocol.ts';
import { type Api, askWebsocket, type Proof, proveServer } from '../jupyter/api.ts';
import { parseRuntimeFile } from '../jupyter/server.ts';
import type { Connection } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { withBriefForward } from '../tunnel/brief-forward.ts';
import { serverTarget } from '../tunnel/local-port.ts';
import { type Check, failed, ok, unchecked } from './check.ts';

const RESPONSE_TIMEOUT_MS = 10_000;

/** Sends requests to the running server through a brief forward. Starts no kernel, and does not disturb any. */
export async function serverChecks(
  frames: readonly Frame[],
  connection: Connection,
  context: Context,
): Promise<Check[]> {
  if (lastValue(frames, 'runs') === undefined) {
    const cause = lastValue(frames, 'elsewhere') === undefined ? 'no server is running' : 'server';
    return [unchecked('api', cause), unchecked('websocket', cause)];
  }
  try {
    const info = parseRuntimeFile(lastValue(frames, 'server') ?? '');
    const target = serverTarget(info);
    return await withBriefForward(connection, target, context, async (socketPath) => {
      const api = { ...info, end: { socketPath } };
      const proof = await proveServer(api, undefined, context.signal, RESPONSE_TIMEOUT_MS);
      return proof.state === 'ours'
        ? [ok('api', `responds, version ${proof.version ?? 'unknown'}`), await websocket(api, context)]
        : [notProven(proof, target, info.socket !== undefined), unchecked('websocket', 'api')];
    });
  } catch (error) {
    if (!(error instanceof Failure) || error instanceof Interrupted) throw error;
    return [failed('api', error.message, error.remedy), unchecked('websocket', 'api')];
  }
}

function notProven(proof: Exclude<Proof, { state: 'ours' }>, target: string, isSocket: boolean): Check {
  if (proof.state === 'refused')
    return failed(
      'api',
      `the server on ${target} does not accept the token (HTTP ${proof.status})`,
      'Another server has that port: restart with another --port.',
    );
  return failed(
    'api',
    `${target} does not respond: ${proof.reason}`,
    isSocket
      ? 'Its process may be stopped (see: remote-notebook logs), or sshd may not allow sockets (AllowStreamLocalForwarding).'
      : 'The host may be very busy, or the process stopped. See: remote-notebook logs',
  );
}

async function websocket(api: Api, { signal }: Context): Promise<Check> {
  const status = await askWebsocket(api, signal, RESPONSE_TIMEOUT_MS);
  if (status === 101) return ok('websocket', 'opens through the tunnel');
  if (status === 404) return ok('websocket', 'reaches Jupyter, which has none without a kernel');
  return failed(
    'websocket',
    status === undefined ? 'no response' : `refused with HTTP ${status}`,
    'Kernels cannot connect. A proxy or an extension of Jupyter may be the reason. See: remote-notebook logs',
  );
}
