import { chmodSync, existsSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Connection } from '../ssh/arguments.ts';
import { errorCode } from '../system/errors.ts';

/** Maximum length of a request or a response, in characters. */
const MAX_LENGTH = 4 << 20;
/** Timeout for a keeper to confirm that it has a request, whose response may take minutes. */
const CONFIRM_MS = 10_000;
/** Interval at which the keeper looks whether its socket is still there. */
const LOOK_MS = 1000;

/** The socket by which commands talk to the keeper of a connection. Only this user can enter its folder. */
export function keeperSocket({ folder }: Pick<Connection, 'folder'>): string {
  return join(folder, 'keeper');
}

/**
 * Listens for requests: one line of JSON each, which is answered by one line. If the socket is removed, it listens again.
 * @param answer returns the response; its error becomes `{ "error": …, "code": … }`
 * @param orphaned called when the connection's folder has vanished, so that no command finds this keeper
 * @returns a function that ends it
 */
export async function serveRequests(
  connection: Pick<Connection, 'folder'>,
  answer: (request: unknown) => Promise<unknown>,
  orphaned: () => void,
): Promise<() => void> {
  let server = await listen(connection, answer);
  const timer = setInterval(async () => {
    if (!existsSync(connection.folder)) orphaned();
    else if (!existsSync(keeperSocket(connection))) {
      server.close();
      server = await listen(connection, answer).catch(() => server);
    }
  }, LOOK_MS);
  return () => {
    clearInterval(timer);
    server.close();
  };
}

async function listen(
  connection: Pick<Connection, 'folder'>,
  answer: (request: unknown) => Promise<unknown>,
): Promise<Server> {
  const path = keeperSocket(connection);
  rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.on('error', () => {}).setEncoding('utf8');
    // A command that was killed before it had sent a request.
    socket.on('end', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > MAX_LENGTH) socket.destroy();
      if (!text.includes('\n')) return;
      socket.pause().removeAllListeners('data');
      // Confirms that it was read; in JSON, it means nothing.
      socket.write('\n');
      respond(text).then((response) => socket.end(`${JSON.stringify(response)}\n`));
    });
  });
  const respond = async (line: string): Promise<unknown> => {
    try {
      return await answer(JSON.parse(line));
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error), code: errorCode(error) };
    }
  };
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  chmodSync(path, 0o600);
  return server;
}

/** Whether a keeper accepts requests: its socket is there a moment before. */
export function isServed(connection: Pick<Connection, 'folder'>): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(keeperSocket(connection), () => {
      socket.destroy();
      resolve(true);
    }).once('error', () => resolve(false));
  });
}

/**
 * Sends a request to the keeper of a connection, and returns its response.
 * @throws Error with the code ENOENT or ECONNREFUSED when there is no keeper, and others when it ends meanwhile
 */
export function requestKeeper(
  connection: Pick<Connection, 'folder'>,
  request: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(keeperSocket(connection));
    const abort = () => socket.destroy(new Error('interrupted'));
    signal?.addEventListener('abort', abort, { once: true });
    let text = '';
    const timer = setTimeout(() => socket.destroy(new Error('the keeper does not respond')), CONFIRM_MS);
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      clearTimeout(timer);
      text += chunk;
      if (text.length > MAX_LENGTH) socket.destroy(new Error('the response is too long'));
    });
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      try {
        resolve(JSON.parse(text));
      } catch {
        reject(new Error('the keeper has ended'));
      }
    });
    socket.write(`${JSON.stringify(request)}\n`);
  });
}
