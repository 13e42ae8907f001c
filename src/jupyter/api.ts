import type { Agent, ClientRequest } from 'node:http';
import * as v from 'valibot';
import { timeLimit } from '../system/context.ts';
import { Interrupted } from '../system/errors.ts';
import { LOOPBACK } from '../system/port.ts';
import { interfacePage } from './server.ts';

/** How to reach a server's REST API. */
export interface Api {
  /** The local end of the tunnel: a port of the loopback address, or a socket that only this user can reach. */
  readonly end: { readonly port: number } | { readonly socketPath: string };
  readonly baseUrl: string;
  readonly secure: boolean;
  readonly token: string;
  /** Its command, which names its interface. */
  readonly command?: string;
  /**
   * Whether both ends of the tunnel belong to the server. It is checked for each new connection once that is open: if ssh
   * has just lost the local port, or the server its port on the host, another program may listen there and would receive
   * the token. A connection that was kept leads to where it led.
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

/** The options of each request to a path below the base URL. The token goes in a header, which Jupyter does not log. */
function requestTo({ end, baseUrl, token }: Api, path: string, headers: Record<string, string | number>) {
  return {
    host: LOOPBACK,
    ...end,
    path: `${baseUrl}${path}`,
    headers: { Authorization: `token ${token}`, ...headers },
    // ssh has verified the host, so the certificate may be self-signed.
    rejectUnauthorized: false,
  };
}

interface Response {
  readonly status: number;
  readonly body: string;
  /** Where a redirection leads. */
  readonly location: string | undefined;
}

/**
 * Sends one request to a server, and follows no redirection.
 * @param path below its base URL: `lab`, `api/kernels?no_track_activity=1`
 * @throws the error of the connection, or an error after `timeoutMs`
 */
export async function askServer(
  api: Api,
  path: string,
  signal: AbortSignal,
  timeoutMs: number,
  method: 'GET' | 'POST' = 'GET',
): Promise<Response> {
  if (signal.aborted) throw new Interrupted();
  const { request, agent } = await requesterFor(api);
  const options = requestTo(api, path, { 'Content-Length': 0 });
  return new Promise((resolve, reject) => {
    const query = request({ agent, method, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > LONGEST_BODY) query.destroy(new Error('the response is too long'));
      });
      const { location } = response.headers;
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, location }));
      response.on('error', reject);
    });
    // Without a listener, Node ends the connection and the request neither succeeds nor fails.
    query.on('upgrade', ({ statusCode }, socket) => {
      socket.destroy();
      reject(new Error(`HTTP ${statusCode} to a request that asks for no other protocol`));
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
    sendIfOurs(query, api);
  });
}

/** Sends a request, which contains the token, once its connection is open and leads to the server. */
function sendIfOurs(query: ClientRequest, { isOurs = async () => true }: Api): void {
  const verify = async () => {
    if (!(await isOurs())) throw new Error('the tunnel was lost');
    query.end();
  };
  query.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', () => verify().catch((error) => query.destroy(error)));
    else query.end();
  });
}

/** Reads JSON of this shape; undefined when it has another one. */
export function readJson<S extends v.GenericSchema>(text: string, shape: S): v.InferOutput<S> | undefined {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), shape), text);
  return result.success ? result.output : undefined;
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
      ...requestTo(api, 'api/events/subscribe', {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': Buffer.from('remote-notebook.').toString('base64'),
      }),
      agent: false,
      signal: AbortSignal.any([signal, timeLimit(timeoutMs)]),
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
    sendIfOurs(query, api);
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
 * @param path a resource of the API that needs authentication
 */
export async function proveServer(
  api: Api,
  knownVersion: string | undefined,
  signal: AbortSignal,
  timeoutMs: number,
  path = 'api/status',
): Promise<Proof> {
  try {
    const [{ status, body }, version] = await Promise.all([
      askServer(api, path, signal, timeoutMs),
      knownVersion ?? interfaceVersion(api, signal, timeoutMs),
    ]);
    return status === 200 ? { state: 'ours', version, body } : { state: 'refused', status };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return { state: 'silent', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** JupyterLab and notebook 7 write their version into their page. */
const PAGE_VERSION = /"appVersion": ?"([\w.+-]+)"/;

/** Timeout for that page: what it tells can be asked for again later. */
const PAGE_TIMEOUT_MS = 3000;

/** The page of the server's interface. Undefined without one, or without a response in time. */
export async function askPage(
  api: Api,
  signal: AbortSignal,
  timeoutMs = PAGE_TIMEOUT_MS,
): Promise<string | undefined> {
  const page = interfacePage(api.command ?? '');
  if (page === '') return undefined;
  const shown = await askServer(api, page, signal, timeoutMs).catch(() => undefined);
  return shown?.body;
}

/** The version of the interface. The API's is that of jupyter_server, or of notebook 6, which is both. */
async function interfaceVersion(
  api: Api,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<string | undefined> {
  const [page, version] = await Promise.all([
    askPage(api, signal),
    interfacePage(api.command ?? '') === 'lab' ? undefined : apiVersion(api, signal, timeoutMs),
  ]);
  return PAGE_VERSION.exec(page ?? '')?.[1] ?? version;
}

const VersionResponse = v.object({ version: v.string() });

async function apiVersion(api: Api, signal: AbortSignal, timeoutMs: number): Promise<string | undefined> {
  const { body } = await askServer(api, 'api?no_track_activity=1', signal, timeoutMs);
  return readJson(body, VersionResponse)?.version;
}

/** Asks the server to shut down its kernels and itself. Returns whether it agreed. */
export async function requestShutdown(api: Api, signal: AbortSignal, timeoutMs: number): Promise<boolean> {
  try {
    return (await askServer(api, 'api/shutdown', signal, timeoutMs, 'POST')).status === 200;
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return false;
  }
}
