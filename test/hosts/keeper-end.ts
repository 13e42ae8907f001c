import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Carrier } from '../../src/session/carrier.ts';
import { Session } from '../../src/session/session.ts';
import { WaitingRoom } from '../../src/session/waiting-room.ts';
import { makeFolder } from './standing.ts';

/** This machine's end of a tunnel that resumes, in the test's own process: a session, and a carrier whenever it is lost. */
export interface KeeperEnd {
  /** Where programs connect. */
  readonly path: string;
  readonly session: Session;
  /** Why sessions have ended. */
  readonly ends: string[];
  /** Why carriers were lost. */
  readonly losses: string[];
  /** Number of carriers that were open. */
  readonly opened: number;
  /** Begins another carrier, beside the one that may be there. */
  takeOver(): void;
  /** Uses another way to the relay from now on. */
  goTo(link: string): void;
  /** Connects a program. */
  dial(): Socket;
  close(): Promise<void>;
}

/**
 * @param link the path of a relay's socket, or of a way to it
 * @param page what a browser sees while there is no carrier
 */
export async function makeKeeperEnd(link: string, target = '', page?: () => string): Promise<KeeperEnd> {
  const path = join(makeFolder('rn-keeper-'), 'keeper.sock');
  const ends: string[] = [];
  const losses: string[] = [];
  const programs = new Set<Socket>();
  const room = new WaitingRoom();
  let opened = 0;
  let way = link;
  let isClosed = false;
  const carriers = new Set<Carrier>();
  const makeSession = (): Session =>
    new Session((why) => {
      ends.push(why);
      session = makeSession();
    });
  let session = makeSession();
  const begin = () => {
    if (isClosed) return;
    const socket = connect(way);
    const begun = new Carrier(socket, socket, {
      session: () => session,
      greetingMs: 15_000,
      onOpen: () => {
        opened++;
        room.release();
      },
      onLost: (carrier, why) => {
        losses.push(why);
        carriers.delete(carrier);
        setTimeout(() => session.isAttached || begin(), 5);
      },
    });
    carriers.add(begun);
  };
  begin();
  const open = (socket: Socket) => session.open(socket, target);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    if (session.isAttached) open(socket);
    else room.add(socket, page ? { open, page } : { open });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    ends,
    losses,
    get session() {
      return session;
    },
    get opened() {
      return opened;
    },
    takeOver: begin,
    goTo: (path) => {
      way = path;
    },
    dial: () => {
      const socket = connect({ path, allowHalfOpen: true });
      programs.add(socket);
      return socket.on('error', () => {});
    },
    close: async () => {
      isClosed = true;
      for (const socket of programs) socket.destroy();
      room.close((socket) => socket.destroy());
      session.end('the test is over');
      for (const carrier of carriers) carrier.close('the test is over');
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
