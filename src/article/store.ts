import { join } from 'node:path';
import { type KnownServer, knownServer } from '../config/resolve.ts';
import { type Leftover, strayFiles } from '../lifecycle/clean.ts';
import { statusOf, unaskedStatus } from '../lifecycle/status.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { ServerStatus } from '../model/status.ts';
import {
  type ArticleRecord,
  NO_FORWARDS,
  readState,
  updateState,
  withoutRecord,
  withRecord,
} from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { stateFolder } from '../system/paths.ts';
import { isAlive } from '../system/process.ts';
import { articlePort } from './commands.ts';

/** The record of a server that was started with the three commands of the article. */
export function articleRecord(name: string, context: Context): ArticleRecord | undefined {
  return readState(context).article[name];
}

/** @throws UsageError for a server that was started with --plain */
export function verifyNotArticle(name: string, context: Context): void {
  if (!articleRecord(name, context)) return;
  throw new UsageError(`"${name}" was started with --plain`, {
    remedy: `Stop it first: remote-notebook stop --plain ${name} (this ends every Jupyter process of that user). Then start it again, with or without --plain.`,
  });
}

export async function remember(record: ArticleRecord, context: Context): Promise<void> {
  await updateState(context, (state) => ({ ...state, article: withRecord(state.article, record) }));
}

export async function forget(name: string, context: Context): Promise<void> {
  await updateState(context, (state) => ({ ...state, article: withoutRecord(state.article, name) }));
}

/** The file with the output of both commands. */
export function articleLog({ name }: ServerSpec, { env }: Context): string {
  return join(stateFolder(env), `plain-${name}.log`);
}

/** A known server. @throws UsageError when there is none, or it was started with --plain */
export async function ownServer(
  name: string | undefined,
  sshConfig: string | undefined,
  context: Context,
): Promise<KnownServer> {
  const known = await knownServer(name, sshConfig, context);
  verifyNotArticle(known.spec.name, context);
  return known;
}

/** The status of the named server, or of all, no matter which commands started them. */
export async function statusesOf(
  target: string | undefined,
  sshConfig: string | undefined,
  context: Context,
): Promise<ServerStatus[]> {
  const name =
    target === undefined ? undefined : (await knownServer(target, sshConfig, context, true)).spec.name;
  const own = await statusOf(name, context);
  const records = Object.values(readState(context).article);
  const named = records.filter(({ spec }) => name === undefined || spec.name === name);
  return [...own, ...(await Promise.all(named.map(articleStatus)))];
}

async function articleStatus({ spec, tunnel }: ArticleRecord): Promise<ServerStatus> {
  const lives = tunnel !== undefined && (await isAlive(tunnel));
  const state = lives ? 'connected' : 'closed';
  const status = unaskedStatus({ spec, jupyter: undefined, forwards: NO_FORWARDS });
  return {
    ...status,
    state,
    jupyter: { ...status.jupyter, port: articlePort(spec), command: 'jupyter notebook' },
    tunnel: { ...status.tunnel, state, pid: lives ? tunnel.pid : null },
  };
}

/** Logs without a record, left behind by crashes. */
export function strayLogs(context: Context): Leftover[] {
  const known = Object.values(readState(context).article).map(({ spec }) => articleLog(spec, context));
  return strayFiles(/^plain-.*\.log$/, known, context);
}
