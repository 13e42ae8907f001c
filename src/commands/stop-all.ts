import { reachableApi } from '../lifecycle/prove.ts';
import { busyKernels, stopServer } from '../lifecycle/stop.ts';
import { openRunNames } from '../runs/runs.ts';
import { kernelLine } from '../screen/kernel-lines.ts';
import type { Terminal } from '../screen/terminal.ts';
import { readState, type ServerRecord } from '../state/records.ts';
import { Failure } from '../system/errors.ts';

/** The outcomes of a stop, for users. */
export const OUTCOMES = {
  shutdown: 'is stopped',
  terminated: 'is stopped (with SIGTERM)',
  killed: 'is stopped (with SIGKILL)',
  cancelled: 'is stopped (its job was cancelled)',
  gone: 'was no longer running',
  refused: 'is still running',
  failed: 'could not be stopped',
} as const;

interface Stopped {
  readonly name: string;
  readonly outcome: keyof typeof OUTCOMES;
  readonly error?: Failure;
}

/**
 * Stops all servers known here at the same time, after one question. A failure does not keep the others from being
 * stopped. Returns the exit status.
 */
export async function stopAll(yes: boolean, terminal: Terminal): Promise<number> {
  const { servers: known, article } = readState(terminal.context);
  const plain = Object.keys(article);
  const runs = openRunNames(terminal.context);
  if (runs.length > 0)
    terminal.show(`Runs are not stopped: ${runs.join(', ')}. To cancel one: remote-notebook stop ${runs[0]}`);
  const records = Object.values(known).filter(({ jupyter }) => !jupyter?.adopted);
  const adopted = Object.values(known).filter(({ jupyter }) => jupyter?.adopted);
  for (const name of plain)
    terminal.show(`"${name}" was started with --plain; to stop it: remote-notebook stop --plain ${name}`);
  for (const { spec } of adopted)
    terminal.show(
      `"${spec.name}" was started by another program; to stop it: remote-notebook stop ${spec.name}`,
    );
  if (records.length === 0) {
    const which = plain.length + adopted.length > 0 ? 'other servers' : 'servers started from this machine';
    terminal.show(`No ${which} are running.`);
  } else if (!yes && !(await confirmed(records, terminal))) {
    terminal.show('They are still running.');
    return 1;
  }
  const stopped = await Promise.all(records.map((record) => stopOne(record, terminal)));
  for (const { name, outcome, error } of stopped) {
    const why = error ? `: ${error.message}` : '';
    terminal.show(`${terminal.style.bold(name)} ${OUTCOMES[outcome]}${why}.`);
    if (error?.remedy) terminal.show(error.remedy);
  }
  await terminal.result({ servers: stopped.map((one) => ({ ...one, error: one.error?.message })) });
  return stopped.some(({ error }) => error) ? 1 : 0;
}

/** Asks once, with a list of all servers and their busy kernels. */
async function confirmed(records: readonly ServerRecord[], { show, confirm, context }: Terminal) {
  const listed = records.map(async (record) => {
    const api = await reachableApi(record, context);
    const busy = api && (await busyKernels(api, context));
    const lines = busy?.map((kernel) => kernelLine(kernel, Date.now())) ?? [
      'it does not answer through its tunnel, so it may still be running code',
    ];
    const { name, destination } = record.spec;
    return [`  ${name} on ${destination}`, ...lines.map((line) => `    ${line}`)];
  });
  show(['These servers will be stopped:', ...(await Promise.all(listed)).flat()].join('\n'));
  return confirm('Stop them?');
}

async function stopOne({ spec }: ServerRecord, { context }: Terminal): Promise<Stopped> {
  const { name } = spec;
  // The phases of several servers at once would be hard to read.
  const report = { ...context.report, phase: () => {}, phaseFailed: () => {} };
  try {
    return { name, outcome: await stopServer(spec, undefined, { ...context, report }) };
  } catch (error) {
    if (!(error instanceof Failure) || context.signal.aborted) throw error;
    return { name, outcome: 'failed', error };
  }
}
