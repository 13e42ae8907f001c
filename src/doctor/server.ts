import { type Frame, lastValue } from '../host/protocol.ts';
import { type Api, askWebsocket, proveServer } from '../jupyter/api.ts';
import { parseRuntimeFile } from '../jupyter/server.ts';
import type { Connection } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { withBriefForward } from '../tunnel/brief-forward.ts';
import { serverTarget } from '../tunnel/local-port.ts';
import { type Check, failed, ok, unchecked } from './check.ts';

const ANSWER_TIMEOUT_MS = 10_000;

/** Asks the server that runs, through a forward for the time of the questions. No kernel is started, or disturbed. */
export async function serverChecks(
  frames: readonly Frame[],
  connection: Connection,
  context: Context,
): Promise<Check[]> {
  if (lastValue(frames, 'runs') === undefined) {
    const cause = lastValue(frames, 'elsewhere') === undefined ? 'no server runs' : 'server';
    return [unchecked('api', cause), unchecked('websocket', cause)];
  }
  try {
    const info = parseRuntimeFile(lastValue(frames, 'server') ?? '');
    const target = serverTarget(info);
    return await withBriefForward(connection, target, context, (socketPath) =>
      ask({ ...info, end: { socketPath } }, target, info.socket, context),
    );
  } catch (error) {
    if (!(error instanceof Failure) || error instanceof Interrupted) throw error;
    return [failed('api', error.message, error.remedy), unchecked('websocket', 'api')];
  }
}

async function ask(api: Api, target: string, socket: string | undefined, context: Context): Promise<Check[]> {
  const proof = await proveServer(api, undefined, context.signal, ANSWER_TIMEOUT_MS);
  if (proof.state !== 'ours') {
    const check =
      proof.state === 'refused'
        ? failed(
            'api',
            `${target} refuses the server's token (HTTP ${proof.status})`,
            'Another server holds that port: restart with another --port.',
          )
        : failed(
            'api',
            `${target} does not answer: ${proof.reason}`,
            socket === undefined
              ? 'Is the host very busy, or the server stopped? See: remote-notebook logs'
              : "Is the server stopped (see: remote-notebook logs), or does the host's sshd forbid sockets (AllowStreamLocalForwarding)?",
          );
    return [check, unchecked('websocket', 'api')];
  }
  const status = await askWebsocket(api, context.signal, ANSWER_TIMEOUT_MS);
  return [
    ok('api', `answers, version ${proof.version ?? 'unknown'}`),
    status === 101
      ? ok('websocket', 'opens through the tunnel')
      : status === 404
        ? ok('websocket', 'reaches Jupyter, which has none without a kernel')
        : failed(
            'websocket',
            status === undefined ? 'no answer' : `refused with HTTP ${status}`,
            'Kernels will not connect: is a proxy between, or an extension in the way? See: remote-notebook logs',
          ),
  ];
}
