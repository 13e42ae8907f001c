import * as v from 'valibot';

/** What a server is to its host: a process of one node, or a job of a batch scheduler, which every node can ask for. */
export const IdentitySchema = v.variant('kind', [
  v.object({ kind: v.literal('process'), node: v.string(), pid: v.number(), startTime: v.string() }),
  v.object({ kind: v.literal('job'), scheduler: v.string(), id: v.string() }),
]);

/** `startTime` is what the process table of the node tells. It is compared, never read. */
export type ServerIdentity = v.InferOutput<typeof IdentitySchema>;

/** The PID of a process; null for a job, which may have any. */
export function pidOf(identity: ServerIdentity): number | null {
  return identity.kind === 'process' ? identity.pid : null;
}

/** For people: `PID 4711`, or `job 17 of slurm`. */
export function identityText(identity: ServerIdentity): string {
  switch (identity.kind) {
    case 'process':
      return `PID ${identity.pid}`;
    case 'job':
      return `job ${identity.id} of ${identity.scheduler}`;
  }
}
