import type { Socket } from 'node:net';
import type { Forward } from '../../ssh/arguments.ts';
import type { Link } from '../links/link.ts';
import { localEnd } from '../listeners.ts';
import type { WantedTunnel } from '../wanted.ts';

/** A way to targets on the host, over whichever link there is. */
export interface Route {
  /** Whether something that connects now reaches the host. */
  readonly isUp: boolean;
  /** Why it is not up. */
  readonly message: string | undefined;
  /** Number of bytes of programs on this machine that wait for the host, or that it has not confirmed. */
  readonly buffered: number;
  /** Carries a connection of a program on this machine. An empty target is the server itself. */
  open(socket: Socket, target: string): void;
  /** Uses this link from now on, as soon as it can. */
  use(link: Link): void;
  /** Verifies at once that the link is alive. */
  probe(): void;
  /** Settles when the host knows it, or does not respond. */
  close(): Promise<void>;
}

/** Where a connection to a forward goes. */
export interface Target {
  readonly forward: Forward;
  readonly route: Route;
  /** Empty for the server itself. */
  readonly target: string;
}

/** What a route needs of its keeper. */
export interface RouteOwner {
  /** Called when it has changed, other than to another link. */
  changed(): void;
  /** Called when it uses this link. */
  moved(link: Link): void;
  /** Called with each connection that waits when the route is closed: it may continue by another one. */
  reopen(socket: Socket): void;
  /** Called when a link has fallen silent, and when it was heard again. */
  silence(link: Link, isSilent: boolean): void;
  /** The response to a navigation while the link is away. @param ended why the server can never be reached again */
  page(ended?: string): string;
}

/** The targets of the forwards of a tunnel. */
export function targetsOf({ own, further }: WantedTunnel, route: Route): Target[] {
  const targets = further.map((forward) => ({ forward, route, target: forward.target }));
  return own ? [{ forward: own, route, target: '' }, ...targets] : targets;
}

/**
 * Returns the targets by their local ends. Two starts at once may want the same port: the one that has it keeps it, or else
 * the first one gets it.
 */
export function targetsByEnd(
  targets: readonly Target[],
  before: ReadonlyMap<string, Target>,
): ReadonlyMap<string, Target> {
  const byEnd = new Map<string, Target>();
  for (const target of targets) {
    const end = localEnd(target.forward);
    const hadIt = before.get(end)?.forward.target === target.forward.target;
    if (hadIt || !byEnd.has(end)) byEnd.set(end, target);
  }
  return byEnd;
}
