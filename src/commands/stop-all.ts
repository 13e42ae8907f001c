import type { Terminal } from '../screen/terminal.ts';
import type { ServerRecord } from '../state/records.ts';
import { Failure } from '../system/errors.ts';

/** How a stop ended, in words. */
export const OUTCOMES = {
  shutdown: 'is stopped',
  terminated: 'is stopped (by TERM)',
  killed: 'is stopped (it took KILL)',
  gone: 'was not running any more',
  refused: 'runs on',
  failed: 'is not stopped',
} as const;

interface Stopped {
  readonly name: string;
  readonly outcome: keyof typeof OUTCOMES;
  readonly error?: Failure;
}

/**
 * Stops every server that is known here, all at the same time, after one question. What fails keeps no other
 * from being stopped. Answers with the exit status.
 */
export async function stopAll(yes: boolean, terminal: Terminal): Promise<number> {
  const { readState } = await import('../state/records.ts');
  const { servers: known, article } = readState(terminal.context);
  for (const name of Object.keys(article))
    terminal.show(`"${name}" was started with --plain, and is left: stop --plain ends it.`);
  const records = Object.values(known);
  const adopted = records.filter((record) => record.jupyter?.adopted);
  for (const { spec } of adopted)
    terminal.show(`"${spec.name}" was started by something else, and is left: stop ${spec.name} ends it.`);
  const meant = records.filter((record) => !record.jupyter?.adopted);
  if (meant.length === 0) {
    const isAnyLeft = adopted.length > 0 || Object.keys(article).length > 0;
    terminal.show(isAnyLeft ? 'Nothing else runs.' : 'Nothing runs that was started from here.');
  } else if (!yes && !(await confirmed(meant, terminal))) {
    terminal.show('They run on.');
    return 1;
  }
  const stopped = await Promise.all(meant.map((record) => stopOne(record, terminal)));
  for (const { name, outcome, error } of stopped) {
    const why = error ? `: ${error.message}` : '';
    terminal.show(`${terminal.style.bold(name)} ${OUTCOMES[outcome]}${why}.`);
    if (error?.remedy) terminal.show(error.remedy);
  }
  await terminal.result({ servers: stopped.map((one) => ({ ...one, error: one.error?.message })) });
  return stopped.some(({ error }) => error) ? 1 : 0;
}

/** Asks once, with the list of all and of what they compute. */
async function confirmed(records: readonly ServerRecord[], terminal: Terminal): Promise<boolean> {
  const { busyKernels } = await import('../lifecycle/stop.ts');
  const { kernelLine } = await import('../screen/kernel-lines.ts');
  const { reachableApi } = await import('../lifecycle/prove.ts');
  const lists = await Promise.all(
    records.map(async (record) => {
      const api = await reachableApi(record, terminal.context);
      const busy = api && (await busyKernels(api, terminal.context));
      const lines = busy?.map((kernel) => kernelLine(kernel, Date.now())) ?? [
        'no tunnel leads to it that answers, so what it computes is not known',
      ];
      const { name, destination } = record.spec;
      return [`  ${name} on ${destination}`, ...lines.map((line) => `    ${line}`)];
    }),
  );
  terminal.show(['These would be stopped:', ...lists.flat()].join('\n'));
  return terminal.confirm('Stop them?');
}

async function stopOne({ spec }: ServerRecord, { context }: Terminal): Promise<Stopped> {
  const { stopServer } = await import('../lifecycle/stop.ts');
  const { name } = spec;
  // Steps of many at once would only be a jumble.
  const report = { ...context.report, phase: () => {}, phaseFailed: () => {} };
  try {
    return { name, outcome: await stopServer(spec, undefined, { ...context, report }) };
  } catch (error) {
    if (!(error instanceof Failure) || context.signal.aborted) throw error;
    return { name, outcome: 'failed', error };
  }
}
