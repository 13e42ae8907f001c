import { allForwards, forwardSpec } from '../../ssh/arguments.ts';
import type { StepLinks } from '../links/step-links.ts';
import { keyOf, type WantedTunnel } from '../wanted.ts';
import { JobRoute } from './job-route.ts';
import { PlainRoute } from './plain-route.ts';
import { RelayRoute } from './relay-route.ts';
import type { Route, RouteOwner } from './route.ts';

/** The route of a tunnel. */
export function newRoute({ relay, server }: WantedTunnel, steps: StepLinks, owner: RouteOwner): Route {
  if (!relay) return new PlainRoute(server, owner);
  return relay.job ? new JobRoute(relay, relay.job, steps, owner) : new RelayRoute(relay, owner);
}

/** Why the servers of tunnels cannot be reached, by their forwards, as `-L` takes them. */
export function reasonsOf(
  tunnels: readonly WantedTunnel[],
  routes: ReadonlyMap<string, Route>,
): Record<string, string> {
  const reasons = tunnels.flatMap((tunnel) => {
    const { isUp, message } = routes.get(keyOf(tunnel)) ?? {};
    if (isUp || message === undefined) return [];
    return allForwards(tunnel).map((forward) => [forwardSpec(forward), message]);
  });
  return Object.fromEntries(reasons);
}
