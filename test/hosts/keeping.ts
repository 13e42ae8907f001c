import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { requestKeeper } from '../../src/keeper/control.ts';
import type { KeeperStatus } from '../../src/keeper/status.ts';
import type { Request, WantedTunnel } from '../../src/keeper/wanted.ts';
import { CLEAN } from './clean.ts';
import { type HostEnd, makeHostEnd, RELAY_SCRIPT, serve } from './host-end.ts';
import { signalQuietly } from './signal.ts';
import { freePort, makeSshd, type Sshd, type SshdOptions } from './sshd.ts';
import { makeFolder, untilEnd } from './standing.ts';
import { eventually, PROGRAM } from './world.ts';

/** A keeper as users have it, for a server of the test's own behind a real sshd. */
export interface Keeping {
  readonly sshd: Sshd;
  readonly host: HostEnd;
  readonly server: Awaited<ReturnType<typeof serve>>;
  /** The connection's folder. */
  readonly folder: string;
  /** The local port that leads to the server. */
  readonly port: number;
  readonly tunnel: WantedTunnel;
  pid(): number;
  request(request: Request): Promise<KeeperStatus>;
  status(): Promise<KeeperStatus>;
  /** A connection of a program to the local port. */
  dial(port?: number): Socket;
  remove(): Promise<void>;
}

export interface KeepingOptions extends SshdOptions {
  /** What the server does with each connection; it echoes by default. */
  readonly onConnection?: (socket: Socket) => void;
  /** Further options of the node that runs the keeper. */
  readonly node?: readonly string[];
  /** Without a relay. */
  readonly isPlain?: boolean;
}

export async function makeKeeping(options: KeepingOptions = {}): Promise<Keeping> {
  const {
    onConnection = (socket: Socket) => void socket.pipe(socket),
    isPlain,
    node = [],
    ...rest
  } = options;
  const sshd = await makeSshd(rest);
  const server = await serve((socket) => onConnection(socket));
  const host = await makeHostEnd({ server: { port: server.port, hostname: '127.0.0.1' } });
  const folder = join(makeFolder('rn-k-'), 'c', 'x');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const port = await freePort();
  const target = `127.0.0.1:${server.port}`;
  const tunnel: WantedTunnel = {
    server: target,
    ...(isPlain
      ? {}
      : {
          relay: { python: '/usr/bin/python3', script: RELAY_SCRIPT, record: host.record, socket: host.path },
        }),
    own: { bindAddress: '127.0.0.1', localPort: port, target },
    further: [],
  };
  const [program = '', ...words] = PROGRAM;
  const child = untilEnd(
    spawn(program, ['--expose-gc', ...node, ...words, '--keep', folder, 'loopback', sshd.sshConfig], {
      env: CLEAN,
      stdio: 'ignore',
    }),
  );
  const request = async (wanted: Request): Promise<KeeperStatus> => {
    const deadline = Date.now() + 60_000;
    for (;;) {
      try {
        const response = (await requestKeeper({ folder }, wanted)) as KeeperStatus & { error?: string };
        if (response.error !== undefined) throw new Error(response.error);
        return response;
      } catch (error) {
        const isStarting = /ENOENT|ECONNREFUSED/.test((error as Error).message) && child.exitCode === null;
        if (!isStarting || Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  };
  const programs = new Set<Socket>();
  return {
    sshd,
    host,
    server,
    folder,
    port,
    tunnel,
    pid: () => child.pid ?? 0,
    request,
    status: () => request({ do: 'status' }),
    dial: (to = port) => {
      const socket = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
      programs.add(socket);
      return socket.on('error', () => {});
    },
    remove: async () => {
      for (const socket of programs) socket.destroy();
      signalQuietly(child.pid ?? 0, 'SIGCONT');
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await ended;
      }
      await sshd.remove();
      await host.remove();
      await server.close();
    },
  };
}

/** Waits until a keeper has noticed that its link was lost, and that nothing is carried any more: a moment later. */
export async function away(keeping: Keeping): Promise<void> {
  await eventually('the link is away', async () => {
    const { phase, up } = await keeping.status();
    return phase === 'reconnecting' && up.length === 0;
  });
}
