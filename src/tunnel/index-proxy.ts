import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { isPort } from '../model/setting-values.ts';
import { type Connection, controlCommand } from '../ssh/arguments.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { oneLine } from '../system/one-line.ts';
import { LOOPBACK } from '../system/port.ts';
import { run } from '../system/run.ts';
import { whileResponding } from './master.ts';
import { connectBy } from './own-proxy.ts';

/** A server that the proxy connects to. */
export interface Admitted {
  readonly name: string;
  readonly port: number;
  /** What its name leads to on this machine: an address, or the proxy by which this machine reaches it. */
  readonly way: string | URL;
}

/**
 * Does `work` while programs on the host can reach some servers through this machine, by an HTTP proxy that knows CONNECT
 * alone, and asks for a random password. On the host, it is a port of the loopback address.
 * @param work gets the URL of the proxy, with its password
 * @throws Failure when sshd does not allow the forward, HangingSsh when ssh does not respond
 */
export async function withIndexProxy<T>(
  connection: Connection,
  admitted: readonly Admitted[],
  context: Context,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const password = randomBytes(24).toString('hex');
  const sockets = new Set<Socket>();
  const ending = new AbortController();
  const server = proxyServer(admitted, `Basic ${btoa(`${USER}:${password}`)}`, sockets, ending.signal);
  const socketPath = join(connection.folder, Math.random().toString(36).slice(2, 10));
  server.listen(socketPath);
  await once(server, 'listening');
  // ssh splits a forward at its colons, and removes a backslash.
  const forward = `${LOOPBACK}:0:${socketPath.replace(/[:\\]/g, '\\$&')}`;
  const request = (kind: 'forward' | 'cancel', within: Context) =>
    whileResponding(connection, within, (watched) =>
      run(controlCommand(connection, kind, forward, '-R'), watched),
    );
  try {
    const { code, stdout, stderr } = await request('forward', context);
    // ssh prints the port that sshd has chosen.
    const port = Number(stdout);
    if (code !== 0 || !isPort(port)) throw notForwarded(connection, stderr);
    try {
      return await work(`http://${USER}:${password}@${LOOPBACK}:${port}`);
    } finally {
      await request('cancel', uninterrupted(context));
    }
  } finally {
    server.close();
    ending.abort();
    for (const socket of sockets) socket.destroy();
    rmSync(socketPath, { force: true });
  }
}

const USER = 'remote-notebook';

function notForwarded({ destination }: Connection, stderr: string): Failure {
  return new Failure(
    `${destination} does not reach its package index, and its sshd does not allow a way through this machine: ${stderr.trim()}`,
    { remedy: 'Ask the administrator for AllowTcpForwarding, or for a mirror that the host reaches.' },
  );
}

/**
 * @param sockets receives the connections on both sides, which outlive the server
 * @param signal ends the attempts to connect
 */
function proxyServer(
  admitted: readonly Admitted[],
  authorization: string,
  sockets: Set<Socket>,
  signal: AbortSignal,
): Server {
  const expected = Buffer.from(authorization);
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connection', (socket) => remember(socket, sockets));
  server.on('connect', async ({ url, headers }, client: Socket, head: Buffer) => {
    client.on('error', () => client.destroy());
    const given = Buffer.from(headers['proxy-authorization'] ?? '');
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      return client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const target = admitted.find(({ name, port }) => url === `${name}:${port}`);
    if (!target) return client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    try {
      const upstream = await connected(target, signal);
      remember(upstream, sockets);
      upstream.on('error', () => client.destroy());
      client.once('close', () => upstream.destroy());
      if (client.destroyed) return upstream.destroy();
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      return client.pipe(upstream).pipe(client);
    } catch (error) {
      // pip shows it.
      return client.end(`HTTP/1.1 502 ${oneLine(reason(error))}\r\n\r\n`);
    }
  });
  return server;
}

async function connected({ name, port, way }: Admitted, signal: AbortSignal): Promise<Socket> {
  if (way instanceof URL) return connectBy(way, `${name}:${port}`, signal);
  const socket = connect({ port, host: way, signal });
  await once(socket, 'connect');
  return socket;
}

function remember(socket: Socket, sockets: Set<Socket>): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}
