import { arch, release, type } from 'node:os';
import { articleLog, articleRecord } from '../article/store.ts';
import { lastServer, resolveServer } from '../config/resolve.ts';
import { writtenConfiguration } from '../config/schema.ts';
import type { Check } from '../doctor/check.ts';
import { diagnose } from '../doctor/doctor.ts';
import { type ConnectionEvent, readEvents } from '../keeper/events.ts';
import { printLog } from '../lifecycle/logs.ts';
import { statusOf } from '../lifecycle/status.ts';
import { defaultName, makeSpec, type ServerSpec } from '../model/server-spec.ts';
import type { ServerStatus } from '../model/status.ts';
import { readState } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { readSince } from '../system/files.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { versionAndKind } from '../version.ts';
import { redact, secretsInSetup, shownSetup } from './redact.ts';

/** The number of lines at the end of Jupyter's log, and the maximum length of each. */
const LOG_LINES = 50;
const LINE_LENGTH = 2000;

/** What a bug report needs to know of a server. It has no secrets, as far as they can be recognized: see `redact`. */
export interface Report {
  /** ISO 8601, in UTC. */
  readonly madeAt: string;
  readonly name: string | null;
  readonly destination: string | null;
  /** The versions of the programs and systems on both sides. */
  readonly versions: Readonly<Record<string, string>>;
  /** The settings in the form of config.yaml. */
  readonly settings: Readonly<Record<string, unknown>> | null;
  /** What doctor found. */
  readonly checks: readonly Check[];
  /** The status without kernels and log; null for a server that is not on record. */
  readonly status: ServerStatus | null;
  /** The last events of the connection, the oldest first. */
  readonly events: readonly ConnectionEvent[];
  /** The last lines of Jupyter's log. */
  readonly log: readonly string[];
  /** The parts that could not be found, and why. */
  readonly missing: readonly { readonly part: string; readonly why: string }[];
}

/**
 * Collects all parts of a report that can be found. No failure ends it, but an interrupt.
 * @param target name of a server, or an ssh destination
 */
export async function makeReport(
  target: string | undefined,
  sshConfig: string | undefined,
  context: Context,
): Promise<Report> {
  const missing: { part: string; why: string }[] = [];
  const find = async <T, U>(part: string, otherwise: U, read: () => T | Promise<T>): Promise<T | U> => {
    try {
      return await read();
    } catch (error) {
      if (error instanceof Interrupted || context.signal.aborted) throw error;
      missing.push({ part, why: reasonOf(error) });
      return otherwise;
    }
  };
  const spec =
    (await find('settings', undefined, () => namedServer(target, sshConfig, context))) ??
    (await find('server', undefined, () => guessedServer(target, sshConfig, context)));
  const needsServer = async <T>(part: string, none: T, read: (spec: ServerSpec) => T | Promise<T>) =>
    spec ? find(part, none, () => read(spec)) : none;
  const checks: Check[] = [];
  context.report.phase('doctor');
  await needsServer('doctor', undefined, (known) => diagnose(known, context, (check) => checks.push(check)));
  const status = await needsServer('status', null, (known) => statusIn(known, context));
  const events = await needsServer('events', [], (known) => readEvents(connectionOf(known, context.env)));
  context.report.phase('log');
  const log = await needsServer('log', [], (known) => lastLog(known, checks, context));
  const report: Report = {
    madeAt: new Date().toISOString(),
    name: spec?.name ?? null,
    destination: spec?.destination ?? target ?? null,
    versions: versionsIn(checks),
    settings: spec ? writtenSettings(spec) : null,
    checks,
    status,
    events,
    log,
    missing,
  };
  return withoutSecrets(report, secretsOf(spec, context));
}

function reasonOf(error: unknown): string {
  if (error instanceof Failure) return [error.message, error.remedy].filter(Boolean).join('. ');
  return `a bug: ${error instanceof Error ? error.stack : String(error)}`;
}

/** A server that was started from here, also one that was stopped, or else what `start` makes of the name. */
async function namedServer(
  target: string | undefined,
  sshConfig: string | undefined,
  context: Context,
): Promise<ServerSpec> {
  const known = await lastServer(target, sshConfig, context).catch(() => undefined);
  return known?.spec ?? resolveServer(target, { sshConfig }, context);
}

/** The server on record, or a destination, if config.yaml cannot be read. @throws Failure when neither is known */
function guessedServer(
  target: string | undefined,
  sshConfig: string | undefined,
  context: Context,
): ServerSpec {
  const { servers, article } = readState(context);
  const records = Object.values({ ...article, ...servers });
  const [only, another] = records;
  const known = records.find(({ spec }) => target === spec.name || target === spec.destination);
  if (known) return known.spec;
  if (target !== undefined) return makeSpec(defaultName(target), { destination: target, sshConfig });
  if (only && !another) return only.spec;
  throw new Failure('no server is named');
}

async function statusIn({ name }: ServerSpec, context: Context): Promise<ServerStatus | null> {
  const [status] = await statusOf(name, context);
  return status ? { ...status, jupyter: { ...status.jupyter, kernels: null, log: [] } } : null;
}

/** @throws Failure when there is no log, or the host cannot be asked for it */
async function lastLog(spec: ServerSpec, checks: readonly Check[], context: Context): Promise<string[]> {
  if (articleRecord(spec.name, context))
    return readSince(articleLog(spec, context), 0).text.trimEnd().split('\n').slice(-LOG_LINES);
  const isOk = (name: string) =>
    checks.some((check) => check.name === name && ['ok', 'warning'].includes(check.verdict));
  const broken = NEEDED.every(isOk) ? undefined : checks.find(({ verdict }) => verdict === 'failed');
  if (broken) throw new Failure(`not read, because the check "${broken.name}" failed`);
  const known = await lastServer(spec.name, undefined, context).catch(() => undefined);
  if (known?.record?.jupyter?.adopted)
    throw new Failure('unknown, because another program started the server');
  const lines: string[] = [];
  const options = { lines: LOG_LINES, follow: false };
  const isThere = await printLog(spec, known?.record, options, (line) => void lines.push(line), context);
  if (!isThere) throw new Failure('there is none on the host');
  return lines.slice(-LOG_LINES).map((line) => line.slice(0, LINE_LENGTH));
}

/** The checks without which no script can run on the host. */
const NEEDED: readonly string[] = ['ssh', 'ssh_config', 'host key', 'authentication', 'login shell'];

function versionsIn(checks: readonly Check[]): Record<string, string> {
  const found = (name: string) =>
    checks.find((check) => check.name === name && check.verdict !== 'unchecked')?.found ?? 'unknown';
  return {
    'remote-notebook': versionAndKind(),
    'Node.js': process.version,
    'this machine': `${type()} ${release()} ${arch()}`,
    ssh: found('ssh'),
    'login shell on the host': found('login shell'),
    'Jupyter on the host': found('jupyter'),
  };
}

function writtenSettings(spec: ServerSpec): Record<string, unknown> {
  const { name, ...entry } = { ...spec, setup: spec.setup.map(shownSetup) };
  const { servers } = writtenConfiguration({ default: undefined, jobs: {}, servers: { [name]: entry } });
  return (servers as Record<string, Record<string, unknown>>)[name] ?? {};
}

/** The secrets that this machine knows. */
function secretsOf(spec: ServerSpec | undefined, context: Context): string[] {
  let tokens: string[] = [];
  try {
    tokens = Object.values(readState(context).servers).map(({ jupyter }) => jupyter?.token ?? '');
  } catch {} // No state, no token.
  return [...tokens, ...(spec?.setup ?? []).flatMap(secretsInSetup)];
}

/** Redacts each text in a report, however deep. A log is redacted as a whole: a private key has several lines. */
function withoutSecrets(report: Report, known: readonly string[]): Report {
  const clean = (value: unknown): unknown => {
    if (typeof value === 'string') return redact(value, known);
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, clean(each)]));
  };
  const log = redact(report.log.join('\n'), known).split('\n');
  return { ...(clean({ ...report, log: [] }) as Report), log: report.log.length === 0 ? [] : log };
}
