import { createServer } from 'node:net';
import { freePort } from './sshd.ts';

/**
 * Does `work` while this process listens on a port of this machine.
 * @param answer what every client receives. If it is undefined, connections are closed without an answer
 */
export async function withTakenPort<T>(work: (port: number) => Promise<T>, answer?: string): Promise<T> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    if (answer === undefined) socket.destroy();
    else socket.end(answer);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  try {
    return await work(port);
  } finally {
    server.close();
  }
}
