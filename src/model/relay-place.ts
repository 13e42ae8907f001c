import * as v from 'valibot';

/** A path that every login shell reads back as `singleQuoted` quotes it, also csh, which reads a `!` within quotes. */
const path = v.pipe(v.string(), v.regex(/^\/[^\p{Cc}!\\]*$/u));

const JobPlaceSchema = v.object({
  /** The name of its launcher. */
  scheduler: v.string(),
  id: v.string(),
  /** The node, as the host names it. */
  node: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9.-]*$/)),
  /** The public keys of the node's sshd, as in its .pub files, which the job has read there; none if it found none. */
  hostKeys: v.array(v.pipe(v.string(), v.regex(/^[a-z][\w@.-]* [A-Za-z0-9+/=]+$/))),
});

/** The batch job, on a node that only its host reaches, in which a relay is. */
export type JobPlace = Readonly<v.InferOutput<typeof JobPlaceSchema>>;

/** Where the relay of a server is on its host: see host/relay.py. */
export const RelayPlaceSchema = v.object({
  /** The Python that runs it. */
  python: path,
  script: path,
  /** The folder of the server's record. */
  record: path,
  /** Its socket. */
  socket: path,
  /** Undefined if it is on the host itself. */
  job: v.optional(JobPlaceSchema),
});

export type RelayPlace = Readonly<v.InferOutput<typeof RelayPlaceSchema>>;
