import { type Frame, lastValue } from '../host/script.ts';
import { askWebsocket, proveServer } from '../jupyter/api.ts';
import { parseRuntimeFile, type RuntimeInfo } from '../jupyter/server.ts';
import { type Connection, controlCommand, type Forward } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { uninterrupted } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { freePort, LOOPBACK } from '../system/port.ts';
import { run } from '../system/run.ts';
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
  let info: RuntimeInfo;
  try {
    info = parseRuntimeFile(lastValue(frames, 'server') ?? '');
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [failed('api', error.message, error.remedy), unchecked('websocket', 'api')];
  }
  const { port, socket, baseUrl, secure, token } = info;
  const target = socket ?? `${LOOPBACK}:${port}`;
  const forward: Forward = { bindAddress: LOOPBACK, localPort: await freePort(), target };
  const { code, stderr } = await run(controlCommand(connection, 'forward', forward), context);
  if (code !== 0)
    return [failed('api', `no forward to ${target}: ${stderr.trim()}`), unchecked('websocket', 'api')];
  try {
    return await ask({ localPort: forward.localPort, baseUrl, secure, token }, target, socket, context);
  } finally {
    await run(controlCommand(connection, 'cancel', forward), uninterrupted(context));
  }
}

async function ask(
  api: Parameters<typeof proveServer>[0],
  target: string,
  socket: string | undefined,
  context: Context,
): Promise<Check[]> {
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
