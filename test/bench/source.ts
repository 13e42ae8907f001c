import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A program on the host that sends, receives and echoes, and its clients on this machine. */
export interface Source {
  readonly port: number;
  /** Lets the program send so many bytes. Returns MB/s. */
  receive(port: number, bytes: number): Promise<number>;
  /** Sends it so many bytes, and waits until it has received them. Returns MB/s. */
  send(port: number, bytes: number): Promise<number>;
  /** Sends 100 bytes and waits until they have come back, so many times over one connection. Returns milliseconds. */
  trips(port: number, count: number): Promise<number[]>;
  /** Opens a connection, and returns what does one such round trip, and what ends it. */
  echo(port: number): Promise<{ trip(): Promise<number>; end(): void }>;
  /** Waits for a response in two small pieces, as kernels send them. */
  pieces(port: number): Promise<void>;
  close(): void;
}

export const GAP_MS = 2;
const CHUNK = Buffer.alloc(1 << 18, 'remote-notebook');
const MESSAGE = Buffer.alloc(100, 'x');

export async function makeSource(): Promise<Source> {
  const echo: Source['echo'] = async (port) => {
    const socket = await request(port, 'echo');
    const trip = async () => {
      const begin = performance.now();
      socket.write(MESSAGE);
      await received(socket, MESSAGE.length);
      return performance.now() - begin;
    };
    return { trip, end: () => socket.destroy() };
  };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.once('data', (request: Buffer) => serve(socket, request));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    receive: async (port, bytes) => speed(bytes, await request(port, `down ${bytes}`), bytes),
    send: async (port, bytes) => {
      const socket = await request(port, `up ${bytes}`);
      pour(socket, bytes);
      return speed(bytes, socket, 1);
    },
    echo,
    trips: async (port, count) => {
      const { trip, end } = await echo(port);
      // The first one opens the connection on the host as well.
      await trip();
      const times: number[] = [];
      for (let done = 0; done < count; done++) times.push(await trip());
      end();
      return times;
    },
    pieces: async (port) => void (await received(await request(port, 'pieces'), 6)),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Does what a client requests with the line that it sends first. */
function serve(socket: Socket, request: Buffer): void {
  const [what, size] = request.toString('latin1', 0, request.indexOf('\n')).split(' ');
  const rest = request.subarray(request.indexOf('\n') + 1);
  if (what === 'GET') socket.end('HTTP/1.1 200 OK\r\n\r\n');
  else if (what === 'down') pour(socket, Number(size));
  else if (what === 'echo') {
    socket.write(rest);
    socket.on('data', (chunk) => socket.write(chunk));
  } else if (what === 'up') received(socket, Number(size) - rest.length).then(() => socket.write('.'));
  else {
    socket.write('one');
    setTimeout(() => socket.write('two'), GAP_MS);
  }
}

function request(port: number, line: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
      socket.write(`${line}\n`);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** Writes so many bytes, as fast as they are taken. */
function pour(socket: Socket, bytes: number): void {
  let left = bytes;
  const write = () => {
    while (left > 0) {
      const chunk = CHUNK.subarray(0, left);
      left -= chunk.length;
      if (!socket.write(chunk)) return;
    }
  };
  socket.on('drain', write);
  write();
}

/** Waits for so many bytes. Rejects if the connection ends before. */
function received(socket: Socket, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = bytes;
    const end = () => reject(new Error(`the connection has ended, and ${left} bytes are missing`));
    const read = (chunk: Buffer) => {
      left -= chunk.length;
      if (left > 0) return;
      socket.off('data', read).off('close', end);
      resolve();
    };
    socket.on('data', read).once('close', end);
  });
}

/** The speed of a transfer in MB/s, from now until these bytes have come. Closes the connection. */
async function speed(transferred: number, socket: Socket, bytes: number): Promise<number> {
  const begin = performance.now();
  await received(socket, bytes);
  socket.destroy();
  return transferred / 1e6 / ((performance.now() - begin) / 1000);
}
