import type { Socket } from 'node:net';
import { freeAfter } from '../../session/garbage.ts';
import { WaitingRoom } from '../../session/waiting-room.ts';
import type { Link } from '../links/link.ts';
import type { Route, RouteOwner } from './route.ts';

/** The way to a server without a relay, as by `ssh -L`: what passes here ends with the link. */
export class PlainRoute implements Route {
  readonly #server: string;
  readonly #owner: RouteOwner;
  readonly #room = new WaitingRoom();
  #link: Link | undefined;

  /** @param server where the server listens, as its host sees it */
  constructor(server: string, owner: RouteOwner) {
    this.#server = server;
    this.#owner = owner;
  }

  get isUp(): boolean {
    return this.#link !== undefined && !this.#link.hasEnded;
  }

  get buffered(): number {
    return this.#room.size;
  }

  get message(): string | undefined {
    return undefined;
  }

  open(socket: Socket, target: string): void {
    const open = () => void this.#connect(socket, target || this.#server);
    if (this.isUp) open();
    else this.#room.add(socket, target === '' ? { open, page: () => this.#owner.page() } : { open });
  }

  use(link: Link): void {
    this.#link = link;
    this.#room.release();
    this.#owner.moved(link);
  }

  probe(): void {}

  async close(): Promise<void> {
    this.#link = undefined;
    this.#room.close((socket) => this.#owner.reopen(socket));
  }

  async #connect(socket: Socket, target: string): Promise<void> {
    socket.on('error', () => {});
    try {
      const far = await (this.#link as Link).dial(target);
      far.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.on('close', () => far.destroy());
      socket.on('data', ({ length }) => freeAfter(length)).pipe(far);
      far.on('data', ({ length }) => freeAfter(length)).pipe(socket);
    } catch {
      socket.destroy();
    }
  }
}
