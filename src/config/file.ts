import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import * as v from 'valibot';
import type { Document } from 'yaml';
import { makeSpec, type ServerEntry } from '../model/server-spec.ts';
import { type ServerSettings, settled } from '../model/settings.ts';
import { errorCode, UsageError } from '../system/errors.ts';
import { makeFolders, reason, verifyWritable, writePrivateFile } from '../system/files.ts';
import { verifyTrusted } from '../system/trust.ts';
import {
  type Configuration,
  ConfigurationSchema,
  EntrySchema,
  JobSchema,
  jobNamed,
  mapping,
  RunsSchema,
  type WrittenEntry,
  writtenEntry,
} from './schema.ts';
import { lineOf, parseYaml, plainValue, type Source } from './yaml.ts';

/** Maximum size of config.yaml in bytes: more than two thousand servers. */
const MAX_SIZE = 250_000;

/**
 * Reads config.yaml. A missing file is an empty one.
 * @throws UsageError with the line and the key of the first mistake
 */
export async function readConfiguration(file: string): Promise<Configuration> {
  const text = readText(file);
  return text === undefined ? { default: undefined, jobs: {}, servers: {} } : parseConfiguration(text, file);
}

function readText(file: string): string | undefined {
  try {
    const stats = statSync(file);
    if (stats.isDirectory()) throw new Error('it is a folder');
    if (!stats.isFile()) throw new Error('it is not a regular file');
    if (stats.size > MAX_SIZE) throw new Error(`it is larger than ${MAX_SIZE / 1000} kB`);
    verifyTrusted(file);
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`cannot read ${file}: ${reason(cause)}`, {
      remedy: 'Make it a file that you can read, or set XDG_CONFIG_HOME to another place.',
      cause,
    });
  }
}

export async function parseConfiguration(text: string, file: string): Promise<Configuration> {
  const source = await parseYaml(text, file);
  const result = v.safeParse(v.pipe(mapping, ConfigurationSchema), plainValue(source) ?? {});
  if (!result.success) throw configurationMistake(result.issues[0], source);
  const { default: byDefault, jobs = {}, runs, servers: written = {} } = result.output;
  const entries = Object.entries(written).map(([name, entry]): [string, ServerEntry] => [
    name,
    entryWithJob(name, entry, jobs, source),
  ]);
  const servers = Object.fromEntries(entries);
  for (const [name, settings] of Object.entries(jobs)) verifyJob(name, settings, source);
  if (byDefault !== undefined && !Object.hasOwn(servers, byDefault)) {
    throw new UsageError(`${file}: default is "${byDefault}", which is not one of the servers`, {
      remedy: `The servers are: ${Object.keys(servers).join(', ') || 'none'}`,
    });
  }
  for (const [name, settings] of Object.entries(servers)) verifyServer(name, settings, source);
  return { default: byDefault, jobs, ...(runs && { runs }), servers };
}

/** The settings of an entry and those of its job. @throws UsageError when there is no such job */
function entryWithJob(
  name: string,
  { job, ...entry }: WrittenEntry,
  jobs: Configuration['jobs'],
  source: Source,
): ServerEntry {
  if (job === undefined) return entry;
  const where = located(['servers', name, 'job'], source);
  return { ...jobNamed(job, jobs, `${where} is "${job}", which`), ...entry };
}

/** The place of a value in the file, for a message. */
function located(path: readonly string[], source: Source): string {
  return `${source.file}:${lineOf(path, source)}: ${path.join('.')}`;
}

/** Verifies the values of a set as those of a server. */
function verifyJob(name: string, settings: ServerSettings, source: Source): void {
  withPlace(['jobs', name], source, () => settled(settings));
}

/** Verifies what no type describes: the name, the destination, the path. */
function verifyServer(name: string, settings: ServerEntry, source: Source): void {
  const { sshConfig } = settings;
  withPlace(['servers', name], source, () => {
    if (sshConfig !== undefined && !/^(?:~?\/|none$)/.test(sshConfig)) {
      throw new UsageError(`ssh-config is "${sshConfig}", which is not an absolute path`, {
        remedy: 'Begin it with / or ~/',
      });
    }
    makeSpec(name, settings);
  });
}

/** Verifies what is written at a place. @throws UsageError which begins with that place */
function withPlace(path: readonly string[], source: Source, verify: () => void): void {
  try {
    verify();
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw new UsageError(`${located(path, source)}: ${cause.message}`, { remedy: cause.remedy, cause });
  }
}

/** The schema of the mapping that contains the last key of a path. */
function schemaAt(path: readonly string[]) {
  if (path.length === 1) return ConfigurationSchema;
  if (path[0] === 'runs') return RunsSchema;
  return path[0] === 'jobs' ? JobSchema : EntrySchema;
}

function configurationMistake(issue: v.BaseIssue<unknown>, source: Source): UsageError {
  const path = issue.path?.map((item) => item.key as string) ?? [];
  const line = lineOf(path, source);
  const where = `${source.file}${line ? `:${line}` : ''}: ${path.join('.') || 'the file'}`;
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const remedy = `Known keys: ${Object.keys(schemaAt(path).entries).join(', ')}`;
    return new UsageError(`${where} is unknown`, { remedy });
  }
  if (issue.received === 'undefined') return new UsageError(`${where} is missing`);
  const received = issue.received === 'Array' ? 'a list' : issue.received;
  return new UsageError(`${where} is ${received}, but ${issue.message} is expected`);
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
  const changed = await textWith(file, name, entry, isDefault);
  makeFolders(dirname(file), 0o700, 'XDG_CONFIG_HOME');
  await writePrivateFile(file, changed);
}

/** Verifies that one server can be written to config.yaml, and changes nothing. @throws as `saveServer` */
export async function verifySavable(file: string, name: string, entry: ServerEntry): Promise<void> {
  await textWith(file, name, entry, false);
  verifyWritable(file);
}

/** The text of config.yaml with the entry. @throws UsageError when the file is not valid, or an alias stands for the old entry */
async function textWith(file: string, name: string, entry: ServerEntry, isDefault: boolean): Promise<string> {
  const text = readText(file) ?? '';
  await parseConfiguration(text, file);
  const { document } = await parseYaml(text, file);
  await keepCommentsAfterKeys(document, text);
  if (document.toJS() === null) document.contents = document.createNode({});
  if (isDefault) document.set('default', name);
  try {
    document.setIn(['servers', name], document.createNode(writtenEntry(entry)));
    return document.toString();
  } catch (cause) {
    throw new UsageError(`cannot write "${name}" to ${file}, because the file contains a YAML alias (*)`, {
      remedy: 'Replace the alias by the text that it stands for, or add the server by hand.',
      cause,
    });
  }
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
