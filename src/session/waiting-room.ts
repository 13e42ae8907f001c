import type { Socket } from 'node:net';

/** Maximum number of bytes that are read of one connection, and of all, while they wait. */
const MAX_OF_ONE = 8 << 20;
const MAX_OF_ALL = 32 << 20;
/** Maximum number of connections that wait: as many as a session has at most. */
const MAX_CONNECTIONS = 256;

/** Maximum length of the head of a request. */
const MAX_HEAD = 16 << 10;

/** How a connection continues when there is a carrier, and what a browser shows until then. */
export interface Waiting {
  open(socket: Socket): void;
  /** The response to a navigation; undefined where the connection is not to the page of a server. */
  page?(): string;
}

/**
 * Connections that programs have opened while the link to the host is away. They wait, since JupyterLab turns a failed
 * request into a dialog. A navigation gets a page, which reloads by itself. One that closes meanwhile is forgotten:
 * nothing of it was sent to the host, and what a page wanted to save before it was closed is not saved later.
 */
export class WaitingRoom {
  readonly #waiting = new Map<Socket, (open?: Waiting['open']) => void>();
  #size = 0;

  /** Number of bytes that have been read of them. */
  get size(): number {
    return this.#size;
  }

  add(socket: Socket, { open, page }: Waiting): void {
    if (this.#waiting.size >= MAX_CONNECTIONS) {
      socket.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    let mayBePage = page !== undefined;
    const leave = () => {
      socket.off('data', onData).off('end', onEnd).off('close', leave);
      if (this.#waiting.delete(socket)) this.#size -= size;
    };
    const onEnd = () => {
      leave();
      socket.destroy();
    };
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      this.#size += chunk.length;
      if (mayBePage) {
        const head = headOf(chunks);
        if (head !== undefined) mayBePage = false;
        if (page && head !== undefined && isNavigation(head)) {
          leave();
          socket.end(page());
          return;
        }
      }
      if (size >= MAX_OF_ONE || this.#size >= MAX_OF_ALL) socket.pause();
    };
    socket.on('data', onData).on('end', onEnd).on('close', leave);
    this.#waiting.set(socket, (goOn = open) => {
      leave();
      socket.pause();
      for (const chunk of chunks.reverse()) socket.unshift(chunk);
      goOn(socket);
    });
  }

  /** Continues all connections. */
  release(): void {
    for (const goOn of [...this.#waiting.values()]) goOn();
  }

  /** Hands over all connections, with what was read of them. */
  close(open: Waiting['open']): void {
    for (const goOn of [...this.#waiting.values()]) goOn(open);
  }
}

/** The head of a request, '' if these bytes are not one, undefined while it is not complete. */
function headOf(chunks: readonly Buffer[]): string | undefined {
  const text = Buffer.concat(chunks).toString('latin1', 0, MAX_HEAD);
  if (!text.startsWith('GET '.slice(0, text.length))) return '';
  const end = text.indexOf('\r\n\r\n');
  if (end >= 0) return text.slice(0, end);
  return text.length >= MAX_HEAD ? '' : undefined;
}

/** Whether a browser wants to show the response to this request as a page: https://www.w3.org/TR/fetch-metadata/ */
function isNavigation(head: string): boolean {
  return /^sec-fetch-mode: *navigate *$/im.test(head) && /^sec-fetch-dest: *document *$/im.test(head);
}
