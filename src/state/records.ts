import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { IdentitySchema } from '../model/identity.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { SETTING_SCHEMAS } from '../model/setting-schemas.ts';
import { SETTING_NAMES, settingOf } from '../model/settings.ts';
import type { Forward } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { ensurePrivateFolder, reason, verifyPrivateFolder, writePrivateFile } from '../system/files.ts';
import { stateFile, stateFolder } from '../system/paths.ts';
import type { ProcessIdentity } from '../system/process.ts';
import { isHeld, withLock } from './lock.ts';

const VERSION = 1;
const EMPTY: State = { servers: {}, article: {} };

const text = v.string();
const optionalText = v.optional(v.string());

const SpecSchema = v.object({
  name: text,
  destination: text,
  ...Object.fromEntries(
    SETTING_NAMES.map((name) => [name, v.optional(SETTING_SCHEMAS[name], settingOf(name).default)]),
  ),
});

const ForwardSchema = v.object({ bindAddress: text, localPort: v.number(), target: text });

const ForwardsSchema = v.object({
  /** The one that leads to Jupyter. Undefined until there is one. */
  own: v.optional(ForwardSchema),
  /** Those that the user has added. */
  further: v.array(ForwardSchema),
});

/** The ports of this machine that lead to a server's host. */
export type Forwards = Readonly<v.InferOutput<typeof ForwardsSchema>>;

const JupyterSchema = v.object({
  identity: IdentitySchema,
  /** ISO 8601. */
  startedAt: text,
  /** The folder of its record on the host. */
  folder: text,
  /** The directory that it serves, absolute, without symbolic links. */
  directory: text,
  command: text,
  port: v.number(),
  socket: optionalText,
  /** Where it listens, if not on its host's loopback address. */
  host: optionalText,
  version: optionalText,
  baseUrl: text,
  secure: v.boolean(),
  token: text,
  /** Whether something else than this program has started it, which alone can start it again. */
  adopted: v.boolean(),
});

/** A server as this machine remembers it. */
export type JupyterRecord = Readonly<v.InferOutput<typeof JupyterSchema>>;

const RecordSchema = v.object({
  spec: SpecSchema,
  jupyter: v.optional(JupyterSchema),
  forwards: ForwardsSchema,
  closed: v.optional(v.boolean()),
});

const ArticleSchema = v.object({
  spec: SpecSchema,
  tunnel: v.optional(v.object({ pid: v.number(), startTime: text })),
});

const StateSchema = v.object({
  version: v.literal(VERSION),
  servers: v.record(v.string(), RecordSchema),
  article: v.optional(v.record(v.string(), ArticleSchema), {}),
});

export const NO_FORWARDS: Forwards = { own: undefined, further: [] };

export function allForwards({ own, further }: Forwards): readonly Forward[] {
  return own ? [own, ...further] : further;
}

/** Reads forwards by the names of their servers. @throws what is thrown for a text that is none of ours */
export function parseForwards(text: string): Named<Forwards> {
  return v.parse(v.record(v.string(), ForwardsSchema), JSON.parse(text));
}

/** One server's entry in the state file: who is who. Whether it lives is asked of the world. */
export interface ServerRecord {
  readonly spec: ServerSpec;
  readonly jupyter: JupyterRecord | undefined;
  readonly forwards: Forwards;
  /** Set while the user wants no tunnel to the server, which runs on: see `disconnectServer`. */
  readonly closed?: boolean | undefined;
}

/** The record of a server to which a port of this machine leads. */
export interface JoinedRecord extends ServerRecord {
  readonly jupyter: JupyterRecord;
  readonly forwards: Forwards & { readonly own: Forward };
}

export function isJoined(record: ServerRecord): record is JoinedRecord {
  return record.jupyter !== undefined && record.forwards.own !== undefined;
}

/** Records by the names of their servers. */
export type Named<R> = Readonly<Record<string, R>>;
export type Records = Named<ServerRecord>;

/** A server that the article's own commands started (`--plain`): nothing is known of it but its tunnel. */
export interface ArticleRecord {
  readonly spec: ServerSpec;
  readonly tunnel: ProcessIdentity | undefined;
}

/** What the state file holds. No name is in both tables. */
export interface State {
  readonly servers: Records;
  readonly article: Named<ArticleRecord>;
}

export function readRecords(context: Context): Records {
  return readState(context).servers;
}

/**
 * All records. A file that cannot be understood is set aside under another name, and said so: nothing in it is lost.
 * @throws Failure when it was written by a newer version, cannot be read at all, or when its folder
 *   is not this user's alone: what is said there of processes and ports would be acted on.
 */
export function readState(context: Context): State {
  const file = stateFile(context.env);
  let content: string;
  try {
    verifyPrivateFolder(stateFolder(context.env));
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY;
    throw new Failure(`cannot read ${file}: ${reason(cause)}`, {
      remedy: `See that ${stateFolder(context.env)} is a folder of yours, or name another place in XDG_STATE_HOME.`,
      cause,
    });
  }
  const json = parseJson(content);
  const version = (json as { version?: unknown } | undefined)?.version;
  if (typeof version === 'number' && version > VERSION) {
    throw new Failure(`${file} was written by a newer remote-notebook (version ${version})`, {
      remedy: 'Upgrade this one, or name another place in XDG_STATE_HOME.',
    });
  }
  const result = v.safeParse(StateSchema, json);
  if (result.success) return result.output as unknown as State;
  const aside = `${file}.broken-${Date.now()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    // Another command has set it aside just now.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY;
    throw error;
  }
  context.report.note(
    `${file} could not be understood and was set aside as ${aside}; remote-notebook status --repair finds what runs again, and so does start`,
  );
  return EMPTY;
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

/** Changes the records, alone: twenty commands at once lose no entry. */
export function updateRecords(context: Context, change: (records: Records) => Records): Promise<void> {
  return updateState(context, (state) => ({ ...state, servers: change(state.servers) }));
}

/** The same for all that the state file holds. */
export async function updateState(context: Context, change: (state: State) => State): Promise<void> {
  const folder = stateFolder(context.env);
  ensurePrivateFolder(folder);
  const file = stateFile(context.env);
  await withLock(file, context, async () => {
    const state = { version: VERSION, ...change(readState(context)) };
    await writePrivateFile(file, `${JSON.stringify(state, undefined, 2)}\n`);
  });
}

/** Puts a server on record, or what is known of it by now. */
export function putRecord(record: ServerRecord, context: Context): Promise<void> {
  return updateRecords(context, (records) => withRecord(records, record));
}

export function withRecord<R extends { readonly spec: ServerSpec }>(records: Named<R>, record: R): Named<R> {
  return { ...records, [record.spec.name]: record };
}

export function withoutRecord<R>(records: Named<R>, name: string): Named<R> {
  return Object.fromEntries(Object.entries(records).filter(([key]) => key !== name));
}

/** Does `work` while no other command starts or stops this server. */
export async function withServerLock<T>(name: string, context: Context, work: () => Promise<T>): Promise<T> {
  ensurePrivateFolder(stateFolder(context.env));
  return withLock(serverLock(name, context), context, work);
}

/** Whether a command starts or stops this server just now. */
export function isServerLocked(name: string, context: Context): Promise<boolean> {
  return isHeld(`${serverLock(name, context)}.lock`);
}

function serverLock(name: string, context: Context): string {
  return join(stateFolder(context.env), `server-${name}`);
}
