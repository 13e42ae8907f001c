import * as v from 'valibot';
import { RelayPlaceSchema } from '../model/relay-place.ts';

const ForwardSchema = v.object({ bindAddress: v.string(), localPort: v.number(), target: v.string() });

/** The tunnel to one server, as a command wants it. */
const TunnelSchema = v.object({
  /** Where the server listens, as its host sees it. */
  server: v.string(),
  /** Without a relay, what passes ends with the link, as by `ssh -L`. */
  relay: v.optional(RelayPlaceSchema),
  /** The local port that leads to the server. */
  own: v.optional(ForwardSchema),
  further: v.array(ForwardSchema),
});

export type WantedTunnel = Readonly<v.InferOutput<typeof TunnelSchema>>;

export const RequestSchema = v.variant('do', [
  /** Take over the ssh that has logged in and listens at this control path. */
  v.object({ do: v.literal('adopt'), controlPath: v.string() }),
  /** Have these tunnels and no others. */
  v.object({ do: v.literal('apply'), tunnels: v.array(TunnelSchema) }),
  /** Log in now, unless there is a link; the response comes when that has succeeded or failed. */
  v.object({ do: v.literal('try') }),
  /** Log in now if there is a pause; the response does not wait. */
  v.object({ do: v.literal('hurry') }),
  v.object({ do: v.literal('status') }),
  v.object({ do: v.literal('stop') }),
]);

export type Request = v.InferOutput<typeof RequestSchema>;

/** Tunnels with the same key share a route. */
export function keyOf({ relay, server }: WantedTunnel): string {
  return relay ? `relay ${relay.socket}` : `server ${server}`;
}
