import { once } from 'node:events';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { Socket } from 'node:net';
import { attempt } from '../system/errors.ts';

/** Timeout for a proxy to connect. */
const TIMEOUT_MS = 30_000;

/**
 * The HTTP proxy by which this machine reaches a server with https, as curl(1) and pip find it: HTTPS_PROXY or ALL_PROXY,
 * unless NO_PROXY names the server or a domain above it. Undefined for none, and for a kind other than http and https.
 */
export function ownProxy(name: string, env: NodeJS.ProcessEnv): URL | undefined {
  const setting = (variable: string) => env[variable.toLowerCase()] || env[variable] || '';
  const text = setting('HTTPS_PROXY') || setting('ALL_PROXY');
  const isExempt = setting('NO_PROXY')
    .split(',')
    .map((entry) => entry.trim().replace(/^\*?\./, ''))
    .some((entry) => entry === '*' || name === entry || (entry !== '' && name.endsWith(`.${entry}`)));
  const proxy = attempt(() => new URL(text.includes('://') ? text : `http://${text}`));
  return !isExempt && /^https?:$/.test(proxy?.protocol ?? '') ? proxy : undefined;
}

/** Connects to a server, `NAME:PORT`, by a proxy. @throws Error when the proxy refuses, or does not respond */
export async function connectBy(proxy: URL, server: string, signal: AbortSignal): Promise<Socket> {
  const { protocol, hostname, port, username, password } = proxy;
  const credentials = btoa(decodeURIComponent(`${username}:${password}`));
  const asked = (protocol === 'https:' ? secureRequest : request)({
    method: 'CONNECT',
    host: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: server,
    headers: { Host: server, ...(username && { 'Proxy-Authorization': `Basic ${credentials}` }) },
    timeout: TIMEOUT_MS,
    agent: false,
    signal,
  });
  asked.once('timeout', () => asked.destroy(new Error('the proxy of this machine does not respond')));
  asked.end();
  const [{ statusCode }, socket, head] = await once(asked, 'connect');
  socket.setTimeout(0);
  if (statusCode === 200) {
    socket.unshift(head);
    return socket;
  }
  socket.destroy();
  throw new Error(`the proxy of this machine responded with ${statusCode}`);
}
