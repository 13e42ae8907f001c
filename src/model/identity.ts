import * as v from 'valibot';

/** How a host identifies a server: as a process of one node, or as a job of a batch scheduler, known on every node. */
export const IdentitySchema = v.variant('kind', [
  v.object({ kind: v.literal('process'), node: v.string(), pid: v.number(), startTime: v.string() }),
  v.object({ kind: v.literal('job'), scheduler: v.string(), id: v.string() }),
]);

/** `startTime` comes from the node's process table. It is only compared. */
export type ServerIdentity = v.InferOutput<typeof IdentitySchema>;

/** The PID of a process; null for a job. */
export function pidOf(identity: ServerIdentity): number | null {
  return identity.kind === 'process' ? identity.pid : null;
}

/** For users: `PID 4711`, or `job 17 of SCHEDULER`. */
export function identityText(identity: ServerIdentity): string {
  return identity.kind === 'process' ? `PID ${identity.pid}` : `job ${identity.id} of ${identity.scheduler}`;
}
