import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startTimeOf } from '../../src/system/process.ts';
import { signalQuietly } from './signal.ts';
import { makeFolder, untilRemoved } from './standing.ts';
import { eventually } from './world.ts';

export const RELAY_SCRIPT = fileURLToPath(new URL('../../src/host/relay.py', import.meta.url));

/** The host's end of a tunnel that resumes: a real relay, for a server of the test's own. */
export interface HostEnd {
  /** The socket of the relay. */
  readonly path: string;
  /** The folder of the server's record. */
  readonly record: string;
  pid(): number;
  log(): string;
  /** Starts the relay, unless it runs. */
  start(): Promise<void>;
  /** Kills the relay, and waits until it has ended: before that it has its lock, and no other one starts. */
  kill(): Promise<void>;
  /** Puts this process and its server on record. */
  putOnRecord(server: Readonly<Record<string, unknown>>, pid?: number): Promise<void>;
  remove(): Promise<void>;
}

export interface HostEndOptions {
  readonly python?: string;
  /** The number of files that the relay may open. */
  readonly files?: number;
  /** Where its server listens, as Jupyter's runtime file says it: `port` and `hostname`, or `sock`. */
  readonly server: Readonly<Record<string, unknown>>;
}

export async function makeHostEnd({ python = 'python3', files, server }: HostEndOptions): Promise<HostEnd> {
  const folder = makeFolder('rn-relay-');
  const record = join(folder, 'record of it');
  const path = join(folder, 'relay.sock');
  mkdirSync(record, { mode: 0o700 });
  const pid = () => Number(readFileSync(`${path}.lock`, 'utf8').split(' ')[0]);
  const end = () => {
    try {
      signalQuietly(pid(), 'SIGCONT');
      signalQuietly(pid(), 'SIGTERM');
    } catch {
      // It has ended by itself.
    }
  };
  const hostEnd: HostEnd = untilRemoved({
    path,
    record,
    pid,
    log: () => readFileSync(`${path}.log`, 'utf8'),
    start: async () => {
      const words = [python, '-I', RELAY_SCRIPT, 'start', record, path];
      const limit = files === undefined ? '' : `ulimit -n ${files};`;
      await promisify(execFile)('sh', ['-c', `${limit} exec "$@"`, 'sh', ...words]);
    },
    kill: async () => {
      const killed = pid();
      process.kill(killed, 'SIGKILL');
      await eventually('the relay has ended', async () => (await startTimeOf(killed)) === undefined);
    },
    putOnRecord: async (runtime, process_ = process.pid) => {
      writeFileSync(join(record, 'record'), `pid ${process_}\nstart_time ${await startTimeOf(process_)}\n`);
      writeFileSync(join(record, 'server.json'), JSON.stringify(runtime));
    },
    remove: async () => end(),
    removeNow: end,
  });
  await hostEnd.putOnRecord(server);
  await hostEnd.start();
  return hostEnd;
}

/** A server on the loopback address, which does this with each connection. Returns its port. */
export async function serve(
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; server: Server; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: address.port, server, close };
}

/** A way to a Unix socket that can be cut, and frozen so that neither side notices. */
export interface Link {
  readonly path: string;
  /** Number of bytes that came from the host's side on the newest connection, and that went there. */
  readonly passed: number;
  readonly sent: number;
  cut(): void;
  /** Cuts the next connection when so many bytes came from the host's side. */
  cutNextAt(bytes: number): void;
  /** The newest connection passes nothing any more; the next one does. */
  freeze(): void;
  close(): Promise<void>;
}

/** @param bytesPerSecond how much it passes in each direction; without a limit by default */
export async function makeLink(target: string, bytesPerSecond = Number.POSITIVE_INFINITY): Promise<Link> {
  const path = join(makeFolder('rn-link-'), 'link.sock');
  let newest: { near: Socket; far: Socket; passed: number; sent: number; isFrozen: boolean } | undefined;
  let cutAt = Number.POSITIVE_INFINITY;
  const all = new Set<Socket>();
  const server = createServer({ allowHalfOpen: false }, (near) => {
    const far = connect(target);
    const pair = { near, far, passed: 0, sent: 0, isFrozen: false };
    const mostPassed = cutAt;
    cutAt = Number.POSITIVE_INFINITY;
    newest = pair;
    const pass = (from: Socket, to: Socket, count: (size: number) => void) => {
      all.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        all.delete(from);
        if (!pair.isFrozen) to.destroy();
      });
      from.on('data', async (chunk: Buffer) => {
        from.pause();
        const step = Math.min(chunk.length, bytesPerSecond / 10);
        for (let at = 0; at < chunk.length && !pair.isFrozen; at += step) {
          const isFull = !to.write(chunk.subarray(at, at + step));
          count(step);
          if (Number.isFinite(bytesPerSecond)) await new Promise((resolve) => setTimeout(resolve, 100));
          else if (isFull) await drained(to);
        }
        from.resume();
      });
    };
    pass(near, far, (size) => {
      pair.sent += size;
    });
    pass(far, near, (size) => {
      pair.passed += size;
      if (pair.passed < mostPassed) return;
      near.destroy();
      far.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    get passed() {
      return newest?.passed ?? 0;
    },
    get sent() {
      return newest?.sent ?? 0;
    },
    cutNextAt: (bytes) => {
      cutAt = bytes;
    },
    cut: () => {
      newest?.near.destroy();
      newest?.far.destroy();
    },
    freeze: () => {
      if (newest) newest.isFrozen = true;
    },
    close: async () => {
      for (const socket of all) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Waits until a socket takes more, or is closed. */
export function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}
