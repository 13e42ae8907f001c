import { renameSync } from 'node:fs';
import * as v from 'valibot';
import { IdentitySchema } from '../model/identity.ts';
import { AllotmentSchema, JobSchema } from '../model/job.ts';
import { RelayPlaceSchema } from '../model/relay-place.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { SETTING_SCHEMAS } from '../model/setting-schemas.ts';
import { SETTING_NAMES, settingOf } from '../model/settings.ts';
import type { Forward } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { errorCode, Failure } from '../system/errors.ts';
import { ensurePrivateFolder, writePrivateFile } from '../system/files.ts';
import { stateFile, stateFolder } from '../system/paths.ts';
import { withLock } from './lock.ts';
import { readStateFile } from './state-file.ts';

const VERSION = 1;
const EMPTY: State = { servers: {}, article: {}, stopped: {} };
/** Maximum number of stopped servers that are remembered. */
const MAX_STOPPED = 100;

/** Records by the names of their servers. */
export type Named<R> = Readonly<Record<string, R>>;

const text = v.string();

const SpecSchema = v.object({
  name: text,
  destination: text,
  ...Object.fromEntries(
    SETTING_NAMES.map((name) => [name, v.optional(SETTING_SCHEMAS[name], settingOf(name).default)]),
  ),
}) as unknown as v.GenericSchema<ServerSpec>;

const ForwardSchema = v.object({ bindAddress: text, localPort: v.number(), target: text });

const ForwardsSchema = v.object({
  /** The one to Jupyter. Undefined until it exists. */
  own: v.optional(ForwardSchema),
  /** Those that the user has added. */
  further: v.array(ForwardSchema),
});

/** The local ports that are forwarded to a server's host. */
export type Forwards = Readonly<v.InferOutput<typeof ForwardsSchema>>;

const JupyterSchema = v.object({
  identity: IdentitySchema,
  /** What identifies the machine to which the destination led, if known: see machine.sh. It is only compared. */
  machine: v.optional(text),
  /** ISO 8601. */
  startedAt: text,
  /** The folder of its record on the host. */
  folder: text,
  /** The ID of the attempt that started it first, if this program did; a restart keeps it. */
  origin: v.optional(text),
  /** The directory that it serves, absolute, without symbolic links. */
  directory: text,
  command: text,
  port: v.number(),
  socket: v.optional(text),
  /** The address that it listens on, if not the host's loopback address. */
  host: v.optional(text),
  /** The version of its interface. */
  version: v.optional(text),
  /** The Python that it runs in, and the folder of its environment, if known. */
  python: v.optional(text),
  prefix: v.optional(text),
  allotment: v.optional(AllotmentSchema),
  baseUrl: text,
  secure: v.boolean(),
  token: text,
  /** Whether another program started it; only that program can start it again. */
  adopted: v.boolean(),
});

/** A Jupyter server as it was when this machine last saw it. */
export type JupyterRecord = Readonly<v.InferOutput<typeof JupyterSchema>>;

const RecordSchema = v.object({
  spec: SpecSchema,
  jupyter: v.optional(JupyterSchema),
  /** The job that will start it, while it waits for that. */
  job: v.optional(JobSchema),
  forwards: ForwardsSchema,
  relay: v.optional(RelayPlaceSchema),
  /** Set while the user wants no tunnel to the server, which keeps running: see `disconnectServer`. */
  closed: v.optional(v.boolean()),
  /** Set while the forward to the server's port is cancelled, because others may listen there: see `withdrawForward`. */
  withdrawn: v.optional(v.boolean()),
});

/** A server in the state file: how to identify it, not whether it is running. */
export type ServerRecord = Readonly<v.InferOutput<typeof RecordSchema>>;
export type Records = Named<ServerRecord>;

/** The record of a server to which a local port is forwarded. */
export type JoinedRecord = ServerRecord & {
  readonly jupyter: JupyterRecord;
  readonly forwards: Forwards & { readonly own: Forward };
};

export function isJoined(record: ServerRecord): record is JoinedRecord {
  return record.jupyter !== undefined && record.forwards.own !== undefined;
}

const ArticleSchema = v.object({
  spec: SpecSchema,
  tunnel: v.optional(v.object({ pid: v.number(), startTime: text })),
});

/** A server that was started by the article's three commands (`--plain`): only its tunnel is known. */
export type ArticleRecord = Readonly<v.InferOutput<typeof ArticleSchema>>;

const StateSchema = v.object({
  version: v.literal(VERSION),
  servers: v.record(text, RecordSchema),
  article: v.optional(v.record(text, ArticleSchema), {}),
  /** The servers that were stopped from here, so that `stop` and `logs` still know where each of them was. */
  stopped: v.optional(v.record(text, SpecSchema), {}),
});

/** The content of the state file. No name is in two of its tables: see `inOneTable`. */
export type State = Readonly<Omit<v.InferOutput<typeof StateSchema>, 'version'>>;

export const NO_FORWARDS: Forwards = { own: undefined, further: [] };

/** Whether a forward can reach nobody else: a relay verifies who listens on a port, and a socket is the user's own. */
export function isGuarded({ jupyter, relay }: Pick<ServerRecord, 'jupyter' | 'relay'>): boolean {
  return relay !== undefined || jupyter?.socket !== undefined;
}

/** @throws Error when these are not forwards by the names of their servers */
export function parseForwards(json: unknown): Named<Forwards> {
  return v.parse(v.record(v.string(), ForwardsSchema), json);
}

export function readRecords(context: Context): Records {
  return readState(context).servers;
}

/**
 * Reads the state file. A corrupt file is renamed, and the user is notified, so nothing in it is lost.
 * @throws Failure when a newer version wrote the file, when it cannot be read, or when others can write to its folder:
 *   they could make us act on any process and port
 */
export function readState(context: Context): State {
  const file = stateFile(context.env);
  const content = readStateFile(file);
  if (content === undefined) return EMPTY;
  const newer = v.safeParse(
    v.pipe(text, v.parseJson(), v.object({ version: v.pipe(v.number(), v.gtValue(VERSION)) })),
    content,
  );
  if (newer.success) {
    throw new Failure(`${file} was written by a newer remote-notebook (version ${newer.output.version})`, {
      remedy: 'Upgrade remote-notebook, or set XDG_STATE_HOME to another place.',
    });
  }
  const result = v.safeParse(v.pipe(text, v.parseJson(), StateSchema), content);
  if (result.success) return result.output;
  const aside = `${file}.broken-${Date.now()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    // Another command has just moved it.
    if (errorCode(error) === 'ENOENT') return EMPTY;
    throw error;
  }
  context.report.note(
    `${file} is corrupt; moved to ${aside}. To find the servers that are still running: remote-notebook status --repair`,
  );
  return EMPTY;
}

/** Changes the records of the servers, see `updateState`. */
export function updateRecords(context: Context, change: (records: Records) => Records): Promise<void> {
  return updateState(context, (state) => ({ ...state, servers: change(state.servers) }));
}

/** Changes the state file under a lock, so that commands that run at the same time lose no entry. */
export async function updateState(context: Context, change: (state: State) => State): Promise<void> {
  ensurePrivateFolder(stateFolder(context.env));
  const file = stateFile(context.env);
  await withLock(file, context, async () => {
    const state = { version: VERSION, ...inOneTable(change(readState(context))) };
    await writePrivateFile(file, `${JSON.stringify(state, undefined, 2)}\n`, true);
  });
}

/** Leaves out stopped servers that run again. @throws Failure when a name would be in both of the other tables */
function inOneTable({ servers, article, stopped }: State): State {
  const twice = Object.keys(servers).find((name) => Object.hasOwn(article, name));
  if (twice !== undefined)
    throw new Failure(`"${twice}" has just been started twice, with and without --plain`, {
      remedy: 'Give one of them another name with --name.',
    });
  const left = Object.entries(stopped).filter(
    ([name]) => !Object.hasOwn(servers, name) && !Object.hasOwn(article, name),
  );
  return { servers, article, stopped: Object.fromEntries(left.slice(-MAX_STOPPED)) };
}

/** Adds or replaces the record of a server. */
export function putRecord(record: ServerRecord, context: Context): Promise<void> {
  return updateRecords(context, (records) => withRecord(records, record));
}

export function withRecord<R extends { readonly spec: ServerSpec }>(records: Named<R>, record: R): Named<R> {
  return { ...records, [record.spec.name]: record };
}

export function withoutRecord<R>(records: Named<R>, name: string): Named<R> {
  return Object.fromEntries(Object.entries(records).filter(([key]) => key !== name));
}

/** Moves a server from those on record to the stopped ones. */
export function withStopped(state: State, spec: ServerSpec): State {
  const { servers, stopped } = state;
  const others = withoutRecord(stopped, spec.name);
  return { ...state, servers: withoutRecord(servers, spec.name), stopped: { ...others, [spec.name]: spec } };
}
