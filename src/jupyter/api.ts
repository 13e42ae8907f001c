import type { Agent } from 'node:http';
import { Interrupted } from '../system/errors.ts';
import { LOOPBACK } from '../system/port.ts';

/** Where a server's REST API is to be asked. */
export interface Api {
  /** This machine's end of the tunnel: a port of the loopback address, or a socket that is this user's alone. */
  readonly end: { readonly port: number } | { readonly socketPath: string };
  readonly baseUrl: string;
  readonly secure: boolean;
  readonly token: string;
  /**
   * Whether that port is still the tunnel's. It is asked when the connection stands: one that ssh has just lost may be a
   * stranger's, and the token is not for them.
   */
  readonly isOurs?: () => Promise<boolean>;
}

/** No answer of a Jupyter has nearly as many characters. */
const LONGEST_BODY = 10_000_000;

interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** A connection is kept so long for the next question: a round trip less. */
const KEPT_MS = 5000;

/**
 * Our own: Node's global one may lead to a proxy, by a script or the environment, and the token is not for that. One for
 * each server: a port may lead to another one by now, while a connection that was kept leads to the first.
 */
const agents = new Map<string, Agent>();

/** What asks a question, over a connection that is kept if there is one. */
async function speaker({ secure, token }: Api) {
  const { request, Agent } = await (secure ? import('node:https') : import('node:http'));
  const key = `${secure} ${token}`;
  const agent = agents.get(key) ?? new Agent({ keepAlive: true, timeout: KEPT_MS });
  agents.set(key, agent);
  return { request, agent };
}

/** What every request to the API has. The token goes in a header, which Jupyter does not log. */
function requestTo({ end, baseUrl, token }: Api, path: string, headers: Record<string, string | number>) {
  return {
    host: LOOPBACK,
    ...end,
    path: `${baseUrl}api${path}`,
    headers: { Authorization: `token ${token}`, ...headers },
    // The other end is this connection's own host, which ssh has identified; its certificate is its owner's.
    rejectUnauthorized: false,
  };
}

/**
 * One request to Jupyter's REST API.
 * @param path below /api, without a slash in front: `status`, `kernels?no_track_activity=1`
 * @throws the error of the connection when nobody answers, or a time-out after `timeoutMs`
 */
export async function askApi(
  api: Api,
  method: 'GET' | 'POST',
  path: string,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<ApiAnswer> {
  if (signal.aborted) throw new Interrupted();
  const { request, agent } = await speaker(api);
  return new Promise((resolve, reject) => {
    const query = request(
      {
        agent,
        ...requestTo(api, path.startsWith('?') ? path : `/${path}`, { 'Content-Length': 0 }),
        method,
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
          if (body.length > LONGEST_BODY) query.destroy(new Error('an answer without end'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', reject);
      },
    );
    const onAbort = () => query.destroy(new Interrupted());
    const deadline = setTimeout(
      () => query.destroy(new Error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    signal.addEventListener('abort', onAbort);
    // Where a connection that was kept is cut, nothing is asked anew: our ssh may just have lost the port to a stranger.
    query.on('error', reject);
    query.on('close', () => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
    });
    const speak = () =>
      verifyOurs(api).then(
        () => query.end(),
        (error: Error) => query.destroy(error),
      );
    query.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', speak);
      else void speak();
    });
  });
}

/** @throws Error when the port is not the tunnel's any more */
async function verifyOurs({ isOurs }: Api): Promise<void> {
  if (isOurs && !(await isOurs())) throw new Error('the tunnel was lost');
}

/**
 * Asks for a websocket that needs no kernel, and closes it: the HTTP status of the answer, 101 when it opened. Before
 * jupyter_server 2.0 there is none, and the answer is 404.
 * @returns undefined when nobody answers
 */
export async function askWebsocket(
  api: Api,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<number | undefined> {
  const { request } = await (api.secure ? import('node:https') : import('node:http'));
  return new Promise((resolve) => {
    const query = request({
      ...requestTo(api, '/events/subscribe', {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': Buffer.from('remote-notebook.').toString('base64'),
      }),
      agent: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    query.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.statusCode);
    });
    query.on('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    query.on('error', () => resolve(undefined));
    query.end();
  });
}

/** Whether our server answers there, and which version it is; `refused` is a Jupyter that is not ours. */
export type Proof =
  | { readonly state: 'ours'; readonly version: string | undefined; readonly body: string }
  | { readonly state: 'refused'; readonly status: number }
  | { readonly state: 'silent'; readonly reason: string };

/**
 * One authenticated request through the tunnel proves that the server behind it is ours; another tells its
 * version, at the same time, unless that is known. Neither counts as activity of the user.
 * @param path what is asked for: one of those that only an authenticated user is told
 */
export async function proveServer(
  api: Api,
  knownVersion: string | undefined,
  signal: AbortSignal,
  timeoutMs: number,
  path = 'status',
): Promise<Proof> {
  try {
    const [{ status, body }, version] = await Promise.all([
      askApi(api, 'GET', path, signal, timeoutMs),
      knownVersion ?? apiVersion(api, signal, timeoutMs),
    ]);
    return status === 200 ? { state: 'ours', version, body } : { state: 'refused', status };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return { state: 'silent', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The version that `GET /api` tells; undefined when it does not. */
async function apiVersion(api: Api, signal: AbortSignal, timeoutMs: number): Promise<string | undefined> {
  const { body } = await askApi(api, 'GET', '?no_track_activity=1', signal, timeoutMs);
  try {
    const { version } = JSON.parse(body) as { version?: unknown };
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

/** Asks the server to end itself, kernels first: the Quit button. Answers whether it agreed. */
export async function requestShutdown(api: Api, signal: AbortSignal, timeoutMs: number): Promise<boolean> {
  try {
    return (await askApi(api, 'POST', 'shutdown', signal, timeoutMs)).status === 200;
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return false;
  }
}
