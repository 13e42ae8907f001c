import { existsSync, readFileSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { resolveCommand } from '../ssh/arguments.ts';
import { sshCause, tellingLine } from '../ssh/messages.ts';
import type { Command } from '../system/command.ts';
import type { Context } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { ensurePrivateFolder } from '../system/files.ts';
import { stateFolder } from '../system/paths.ts';
import { isAlive, type ProcessIdentity, sendSignal, startTime, waitForEnd } from '../system/process.ts';
import { ask, run } from '../system/run.ts';
import {
  plainListCommand,
  plainStartCommand,
  plainStopCommand,
  plainTunnelCommand,
  userOf,
} from './article.ts';
import type { Notebook } from './notebook.ts';
import {
  type NotebookRecord,
  readRecords,
  updateRecords,
  withNotebookLock,
  withoutRecord,
  withRecord,
} from './state.ts';

const TUNNEL_END_MS = 5000;

/** The account on the host: the destination's, else what ssh resolves. */
export async function remoteUser(notebook: Notebook, context: Context): Promise<string> {
  const named = userOf(notebook);
  if (named !== undefined) return named;
  const { code, stdout, stderr } = await run(
    resolveCommand(notebook.destination, notebook.configFile),
    context,
  );
  const user = /^user (.+)$/m.exec(stdout)?.[1];
  if (code !== 0 || user === undefined)
    throw new Failure(`ssh -G ${notebook.destination} failed: ${tellingLine(stderr)}`);
  return user;
}

/** Runs the article's first two commands. Answers with the page that Jupyter's log names, token and all. */
export function startPlain(notebook: Notebook, timeoutMs: number, context: Context): Promise<string> {
  return withNotebookLock(notebook.name, context, async () => {
    const before = readRecords(context)[notebook.name];
    if (before) {
      throw new Failure(`"${notebook.name}" is started already`, {
        remedy: `Stop it first: remote-notebook stop ${before.plain ? '--plain ' : ''}${notebook.name}`,
      });
    }
    ensurePrivateFolder(stateFolder(context.env));
    const log = plainLog(notebook, context);
    rmSync(log, { force: true });
    context.report.phase('launch');
    await runPlain(plainStartCommand(notebook), log, notebook, context);
    await remember({ notebook, server: undefined, forwards: [], plain: { tunnel: undefined, log } }, context);
    await openPlainTunnel(notebook, context);
    context.report.phase('wait');
    return pageInLog(log, timeoutMs, context);
  });
}

/** Runs the article's second command alone, unless its tunnel lives. */
export function forwardPlain(notebook: Notebook, context: Context): Promise<void> {
  return withNotebookLock(notebook.name, context, () => openPlainTunnel(notebook, context));
}

function plainLog(notebook: Notebook, context: Context): string {
  return join(stateFolder(context.env), `plain-${notebook.name}.log`);
}

async function remember(record: NotebookRecord, context: Context): Promise<void> {
  await updateRecords(context, (records) => withRecord(records, record));
}

async function openPlainTunnel(notebook: Notebook, context: Context): Promise<void> {
  const known = readRecords(context)[notebook.name]?.plain?.tunnel;
  if (known && (await isAlive(known))) return;
  ensurePrivateFolder(stateFolder(context.env));
  const log = plainLog(notebook, context);
  const command = plainTunnelCommand(notebook);
  const before = await processesOf(command);
  context.report.phase('forward');
  await runPlain(command, log, notebook, context);
  // With -f the process that was started is gone, and the one that holds the tunnel was never named.
  const [pid] = (await processesOf(command)).filter((other) => !before.includes(other));
  const began = pid === undefined ? undefined : await startTime(pid);
  if (pid === undefined || began === undefined) {
    throw new Failure(`the tunnel to ${notebook.destination} ended at once`, { remedy: `See ${log}` });
  }
  const tunnel: ProcessIdentity = { pid, startTime: began };
  await remember({ notebook, server: undefined, forwards: [], plain: { tunnel, log } }, context);
}

/** The PIDs of all processes with exactly this command line (behind `nohup`, which is gone). */
async function processesOf([, ...args]: Command): Promise<number[]> {
  const lines = (await ask(['ps', '-A', '-ww', '-o', 'pid=,args='])).split('\n');
  return lines
    .filter((line) => line.replace(/^\s*\d+\s/, '') === args.join(' '))
    .map((line) => Number.parseInt(line, 10));
}

async function runPlain(command: Command, log: string, notebook: Notebook, context: Context): Promise<void> {
  const { code } = await run(command, context, { outputFile: log });
  if (code === 0) return;
  const words = readFileSync(log, 'utf8');
  const remedy = sshCause(words) === 'local-port-taken' ? 'Name another with --local-port.' : undefined;
  throw new Failure(`${notebook.destination}: ${tellingLine(words)}`, { remedy });
}

/** Waits until Jupyter's log names its page. */
function pageInLog(log: string, timeoutMs: number, context: Context): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
      const page = /https?:\/\/(?:localhost|127\.0\.0\.1)\S*token=\S+/.exec(text)?.[0];
      if (page) finish(() => resolve(page));
    };
    const watcher = watch(log, look);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      watcher.close();
      context.signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => finish(() => reject(new Interrupted()));
    const late = new Failure(`Jupyter named no page within ${timeoutMs / 1000} s`, {
      remedy: `See its log: ${log}`,
    });
    const timer = setTimeout(() => finish(() => reject(late)), timeoutMs);
    context.signal.addEventListener('abort', onAbort);
    look();
  });
}

/** What the article's `pkill` would end on the host: every Jupyter of that user, whoever started it. */
export async function plainVictims(notebook: Notebook, user: string, context: Context): Promise<string[]> {
  const { code, stdout, stderr } = await run(plainListCommand(notebook, user), context);
  if (code === 255) throw new Failure(`${notebook.destination}: ${tellingLine(stderr)}`);
  return stdout.split('\n').filter((line) => /^\d+ /.test(line));
}

/** Runs the article's third command, and ends the tunnel that its second one left. */
export function stopPlain(notebook: Notebook, user: string, context: Context): Promise<void> {
  return withNotebookLock(notebook.name, context, async () => {
    const { code, stderr } = await run(plainStopCommand(notebook, user), context);
    // 1 says that there was none.
    if (code !== 0 && code !== 1) throw new Failure(`${notebook.destination}: ${tellingLine(stderr)}`);
    const plain = readRecords(context)[notebook.name]?.plain;
    if (plain?.tunnel && (await sendSignal(plain.tunnel, 'SIGTERM')))
      await waitForEnd(plain.tunnel, TUNNEL_END_MS);
    if (!plain) return;
    rmSync(plain.log, { force: true });
    await updateRecords(context, (records) => withoutRecord(records, notebook.name));
  });
}
