import type { Agent } from 'node:http';
import * as v from 'valibot';
import { Interrupted } from '../system/errors.ts';
import { LOOPBACK } from '../system/port.ts';

/** How to reach a server's REST API. */
export interface Api {
  /** The local end of the tunnel: a port of the loopback address, or a socket that only this user can reach. */
  readonly end: { readonly port: number } | { readonly socketPath: string };
  readonly baseUrl: string;
  readonly secure: boolean;
  readonly token: string;
  /**
   * Whether the port still belongs to the tunnel. It is checked once the connection is open: if ssh has just lost the
   * port, another program may listen there and would receive the token.
   */
  readonly isOurs?: () => Promise<boolean>;
}

/** Maximum number of characters in a response; a Jupyter server's are much shorter. */
const LONGEST_BODY = 10_000_000;

/** Time for which an idle connection is kept: the next request saves a round trip. */
const KEPT_MS = 5000;

/**
 * One agent per server: a connection that was kept must not be used for another server, whose port may be the same.
 * Node's global agent may use a proxy, and would receive the token.
 */
const agents = new Map<string, Agent>();

async function requesterFor({ secure, token }: Api) {
  const { request, Agent } = await (secure ? import('node:https') : import('node:http'));
  const key = `${secure} ${token}`;
  const agent = agents.get(key) ?? new Agent({ keepAlive: true, timeout: KEPT_MS });
  agents.set(key, agent);
  return { request, agent };
}

/** The options of each request. The token goes in a header, which Jupyter does not log. */
function requestTo({ end, baseUrl, token }: Api, path: string, headers: Record<string, string | number>) {
  return {
    host: LOOPBACK,
    ...end,
    path: `${baseUrl}api${path}`,
    headers: { Authorization: `token ${token}`, ...headers },
    // ssh has verified the host, so the certificate may be self-signed.
    rejectUnauthorized: false,
  };
}

/**
 * Sends one request to Jupyter's REST API.
 * @param path below /api, without a leading slash: `status`, `kernels?no_track_activity=1`
 * @throws the error of the connection, or an error after `timeoutMs`
 */
export async function askApi(
  api: Api,
  method: 'GET' | 'POST',
  path: string,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly body: string }> {
  if (signal.aborted) throw new Interrupted();
  const { request, agent } = await requesterFor(api);
  const options = requestTo(api, path.startsWith('?') ? path : `/${path}`, { 'Content-Length': 0 });
  return new Promise((resolve, reject) => {
    const query = request({ agent, method, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > LONGEST_BODY) query.destroy(new Error('the response is too long'));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    const onAbort = () => query.destroy(new Interrupted());
    const onTimeout = () => query.destroy(new Error(`no response within ${timeoutMs} ms`));
    const timer = setTimeout(onTimeout, timeoutMs);
    signal.addEventListener('abort', onAbort);
    // No retry on a new connection: ssh may have lost the port to another program.
    query.on('error', reject);
    query.on('close', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    });
    const send = () =>
      verifyOurs(api).then(
        () => query.end(),
        (error: Error) => query.destroy(error),
      );
    query.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', send);
      else void send();
    });
  });
}

/** @throws Error when the port no longer belongs to the tunnel */
async function verifyOurs({ isOurs }: Api): Promise<void> {
  if (isOurs && !(await isOurs())) throw new Error('the tunnel was lost');
}

/**
 * Opens and closes a websocket that needs no kernel. Returns the HTTP status: 101 when it opened, 404 from a Jupyter
 * before jupyter_server 2.0, undefined without a response.
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

/** Whether our server responds, and its version; `refused` is another Jupyter server. */
export type Proof =
  | { readonly state: 'ours'; readonly version: string | undefined; readonly body: string }
  | { readonly state: 'refused'; readonly status: number }
  | { readonly state: 'silent'; readonly reason: string };

/**
 * Proves by an authenticated request through the tunnel that the server is ours, and asks for its version at the same
 * time unless it is known. Jupyter does not count these requests as activity.
 * @param path a resource that needs authentication
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

const VersionResponse = v.pipe(v.string(), v.parseJson(), v.object({ version: v.string() }));

async function apiVersion(api: Api, signal: AbortSignal, timeoutMs: number): Promise<string | undefined> {
  const { body } = await askApi(api, 'GET', '?no_track_activity=1', signal, timeoutMs);
  const response = v.safeParse(VersionResponse, body);
  return response.success ? response.output.version : undefined;
}

/** Asks the server to shut down its kernels and itself. Returns whether it agreed. */
export async function requestShutdown(api: Api, signal: AbortSignal, timeoutMs: number): Promise<boolean> {
  try {
    return (await askApi(api, 'POST', 'shutdown', signal, timeoutMs)).status === 200;
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return false;
  }
}
