import { createServer, type Server, type Socket } from 'node:net';
import type { Forward } from '../ssh/arguments.ts';

/** The pause before a port that is in use is tried again. */
const RETRY_MS = 5000;
/** Number of bytes that are read of a connection before the tunnel takes them. */
const READ_AHEAD = 128 << 10;

interface Listener {
  server: Server | undefined;
  timer: NodeJS.Timeout | undefined;
  /** Why it does not listen. */
  failure: string | undefined;
}

/** The local ports, which are held for as long as the tunnel is wanted, whether there is a link or not. */
export class Listeners {
  readonly #listeners = new Map<string, Listener>();
  readonly #onChange: () => void;

  /** @param onChange called when a port that was in use has become ours */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Whether this port is ours. */
  isBound(forward: Forward): boolean {
    return this.#listeners.get(localEnd(forward))?.server !== undefined;
  }

  failure(forward: Forward): string | undefined {
    return this.#listeners.get(localEnd(forward))?.failure;
  }

  /** Tries to listen on a port; one that is in use is tried again and again. */
  async add(forward: Forward, onConnection: (socket: Socket) => void): Promise<void> {
    const end = localEnd(forward);
    if (this.#listeners.has(end)) return;
    const listener: Listener = { server: undefined, timer: undefined, failure: undefined };
    this.#listeners.set(end, listener);
    await this.#bind(forward, listener, onConnection);
  }

  /** Gives up all ports but these. */
  keepOnly(forwards: readonly Forward[]): void {
    const kept = forwards.map(localEnd);
    for (const [end, { server, timer }] of [...this.#listeners]) {
      if (kept.includes(end)) continue;
      clearTimeout(timer);
      server?.close();
      this.#listeners.delete(end);
    }
  }

  async #bind(forward: Forward, listener: Listener, onConnection: (socket: Socket) => void): Promise<void> {
    const options = { allowHalfOpen: true, noDelay: true, highWaterMark: READ_AHEAD };
    const server = createServer(options, (socket) => {
      socket.on('error', () => {});
      onConnection(socket);
    });
    const failure = await listen(server, forward);
    if (this.#listeners.get(localEnd(forward)) !== listener) {
      server.close();
      return;
    }
    listener.failure = failure;
    if (failure === undefined) {
      const isLate = listener.timer !== undefined;
      listener.server = server;
      if (isLate) this.#onChange();
    } else listener.timer = setTimeout(() => void this.#bind(forward, listener, onConnection), RETRY_MS);
  }
}

/** The local end of a forward, which stays when it leads elsewhere. */
export function localEnd({ bindAddress, localPort }: Forward): string {
  return `${bindAddress}:${localPort}`;
}

/** Returns why it cannot listen, if so. */
function listen(server: Server, { bindAddress, localPort: port }: Forward): Promise<string | undefined> {
  // As ssh does: `*` is each address.
  const host = bindAddress === '*' ? '0.0.0.0' : bindAddress.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    server.once('error', ({ message }) => resolve(message));
    server.listen({ host, port, exclusive: true }, () => resolve(undefined));
  });
}
