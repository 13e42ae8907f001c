import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as v from 'valibot';
import type { Document, LineCounter, Scalar } from 'yaml';
import { makeSpec, type ServerEntry } from '../model/server-spec.ts';
import { SETTING_SCHEMAS } from '../model/setting-schemas.ts';
import { optionName, SETTING_NAMES, settingsIn } from '../model/settings.ts';
import { Failure, UsageError } from '../system/errors.ts';
import { reason, writePrivateFile } from '../system/files.ts';

/** Without lists, which v.object() accepts. */
const mapping = v.custom<object>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'a mapping',
);
const text = v.string('a string');

const EntrySchema = v.strictObject({
  destination: text,
  ...Object.fromEntries(SETTING_NAMES.map((name) => [optionName(name), v.optional(SETTING_SCHEMAS[name])])),
});

const ConfigurationSchema = v.strictObject({
  default: v.optional(text),
  servers: v.optional(
    v.pipe(mapping, v.record(v.string(), v.pipe(mapping, EntrySchema, v.transform(entryIn)))),
  ),
});

export interface Configuration {
  /** The server to use when the command names none. */
  readonly default: string | undefined;
  readonly servers: Readonly<Record<string, ServerEntry>>;
}

function entryIn(written: Readonly<Record<string, unknown>> & { destination: string }): ServerEntry {
  const settings = Object.fromEntries(SETTING_NAMES.map((name) => [name, written[optionName(name)]]));
  return { destination: written.destination, ...settingsIn(settings) };
}

/** An entry in the form of config.yaml, without empty values. */
function writtenEntry(entry: ServerEntry): Record<string, unknown> {
  const isEmpty = (value: unknown) => value === undefined || [value].flat().join('') === '';
  const settings = SETTING_NAMES.filter((name) => !isEmpty(entry[name]));
  return {
    destination: entry.destination,
    ...Object.fromEntries(settings.map((name) => [optionName(name), entry[name]])),
  };
}

/** The configuration in the form of config.yaml. */
export function writtenConfiguration({ servers, ...others }: Configuration): Record<string, unknown> {
  const entries = Object.entries(servers).map(([name, entry]) => [name, writtenEntry(entry)]);
  return { ...others, servers: Object.fromEntries(entries) };
}

/**
 * Reads config.yaml. A missing file is an empty one.
 * @throws UsageError with the line and the key of the first mistake
 */
export async function readConfiguration(file: string): Promise<Configuration> {
  const text = readText(file);
  return text === undefined ? { default: undefined, servers: {} } : parseConfiguration(text, file);
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UsageError(`cannot read ${file}: ${reason(cause)}`, {
      remedy: 'Make it a file that you can read, or set XDG_CONFIG_HOME to another place.',
      cause,
    });
  }
}

export async function parseConfiguration(text: string, file: string): Promise<Configuration> {
  const source = await parseYaml(text, file);
  const { document } = source;
  const result = v.safeParse(v.pipe(mapping, ConfigurationSchema), document.toJS() ?? {});
  if (!result.success) throw configurationMistake(result.issues[0], source);
  const { default: byDefault, servers = {} } = result.output;
  if (byDefault !== undefined && !Object.hasOwn(servers, byDefault)) {
    throw new UsageError(`${file}: default is "${byDefault}", which is not one of the servers`, {
      remedy: `The servers are: ${Object.keys(servers).join(', ') || 'none'}`,
    });
  }
  for (const [name, settings] of Object.entries(servers))
    verifyServer(name, settings, `${file}:${lineOf(['servers', name], source)}: servers.${name}`);
  return { default: byDefault, servers };
}

/** Verifies what no type describes: the name, the destination, the path. */
function verifyServer(name: string, settings: ServerEntry, where: string): void {
  const { sshConfig } = settings;
  if (sshConfig !== undefined && !/^(?:~?\/|none$)/.test(sshConfig)) {
    throw new UsageError(`${where}: ssh-config is "${sshConfig}", which is not an absolute path`, {
      remedy: 'Begin it with / or ~/',
    });
  }
  try {
    makeSpec(name, settings);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw new UsageError(`${where}: ${cause.message}`, { remedy: cause.remedy, cause });
  }
}

/** A parsed config.yaml. */
interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

async function parseYaml(text: string, file: string): Promise<Source> {
  const { default: yaml } = await import('yaml');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) {
    throw new UsageError(`${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`, {
      remedy: 'Fix the line, then check the file: remote-notebook config check',
    });
  }
  return { file, document, lines };
}

function configurationMistake(issue: v.BaseIssue<unknown>, source: Source): UsageError {
  const path = issue.path?.map((item) => item.key as string) ?? [];
  const line = lineOf(path, source);
  const where = `${source.file}${line ? `:${line}` : ''}: ${path.join('.') || 'the file'}`;
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const { entries } = path.length === 1 ? ConfigurationSchema : EntrySchema;
    const remedy = `Known keys: ${Object.keys(entries).join(', ')}`;
    return new UsageError(`${where} is unknown`, { remedy });
  }
  if (issue.received === 'undefined') return new UsageError(`${where} is missing`);
  const received = issue.received === 'Array' ? 'a list' : issue.received;
  return new UsageError(`${where} is ${received}, but ${issue.message} is expected`);
}

type Mapping = { readonly items?: readonly { readonly key?: Scalar }[] };

/** The line of the key, or of the nearest existing key above it. */
function lineOf(path: readonly string[], { document, lines }: Source): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true) as Mapping | undefined;
    const start = parent?.items?.find(({ key }) => key?.value === path[length - 1])?.key?.range?.[0];
    if (start !== undefined) return lines.linePos(start).line;
  }
  return undefined;
}

/**
 * Writes one server to config.yaml and keeps everything else, including comments.
 * @param isDefault whether it becomes the server to use when the command names none
 * @throws UsageError when the file is not valid, Failure when it cannot be written
 */
export async function saveServer(
  file: string,
  name: string,
  entry: ServerEntry,
  isDefault = false,
): Promise<void> {
  const text = readText(file) ?? '';
  await parseConfiguration(text, file);
  const { document } = await parseYaml(text, file);
  await keepCommentsAfterKeys(document, text);
  if (document.contents === null) document.contents = document.createNode({});
  if (isDefault) document.set('default', name);
  document.setIn(['servers', name], document.createNode(writtenEntry(entry)));
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new Failure(`cannot create the folder ${dirname(file)}: ${reason(cause)}`, {
      remedy: 'Make its parent folder writable, or set XDG_CONFIG_HOME to another place.',
      cause,
    });
  }
  await writePrivateFile(file, document.toString());
}

/** The library treats a comment after the key of a mapping as one before the first line below, and would move it there. */
async function keepCommentsAfterKeys(document: Document, text: string): Promise<void> {
  const { default: yaml } = await import('yaml');
  yaml.visit(document, {
    Pair(_, { key, value }) {
      if (!yaml.isScalar(key) || !yaml.isNode(value)) return;
      const [, comment] = /^[ \t]*:[ \t]+#(.*)/.exec(text.slice(key.range?.[1])) ?? [];
      const [first, ...others] = value.commentBefore?.split('\n') ?? [];
      if (first === undefined || first !== comment) return;
      key.comment = first;
      value.commentBefore = others.join('\n') || null;
    },
  });
}
