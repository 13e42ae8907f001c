import { HostFailure } from '../../host/failures.ts';
import type { InstallOrder } from '../../host/install/install.ts';
import { type Started, startServer } from '../../lifecycle/start.ts';
import { disconnectServer, forgetServer, stopServer } from '../../lifecycle/stop.ts';
import { makeSpec, type ServerEntry, type ServerSpec } from '../../model/server-spec.ts';
import { SshFailure } from '../../ssh/causes/messages.ts';
import { readRecords } from '../../state/records.ts';
import { uninterrupted } from '../../system/context.ts';
import { Failure, Interrupted, UsageError } from '../../system/errors.ts';
import { type Answers, complete, type GivenAnswers } from './answers.ts';
import { choose, type Dialogue, undoAll } from './dialogue.ts';
import { offerPublicKey } from './key.ts';

/** A server that was started, and its settings. */
export interface Tried extends Started {
  readonly entry: ServerEntry;
}

/** Causes of a refused login that may be that the user has no key. */
const NEEDS_KEY: readonly SshFailure['reason'][] = ['no-key', 'key-file-missing', 'key-refused'];

/** The later answers that depend on an answer. */
const DEPENDENT: Readonly<Record<keyof Answers, readonly (keyof Answers)[]>> = {
  destination: ['job', 'directory', 'environment', 'install', 'name'],
  job: [],
  directory: ['environment', 'install'],
  environment: ['install'],
  install: [],
  name: [],
};

/**
 * Asks for the settings that are not given and starts the server. After a failure, whatever it is, it asks which setting
 * to change.
 * @param answers receives the answers
 * @returns undefined if the user gives up
 */
export async function tryOut(
  given: Readonly<GivenAnswers>,
  answers: Answers,
  timeoutMs: number,
  dialogue: Dialogue,
): Promise<Tried | undefined> {
  const unused = { ...given };
  for (;;) {
    try {
      const { name, entry } = await complete(answers, unused, dialogue);
      const order = { timeoutMs, install: answers.install };
      return { ...(await start(makeSpec(name, entry), order, dialogue)), entry };
    } catch (failure) {
      if (!dialogue.isAsking || failure instanceof Interrupted || !(failure instanceof Failure))
        throw failure;
      dialogue.terminal.showFailure(failure);
      const { destination } = answers;
      if (failure instanceof SshFailure && NEEDS_KEY.includes(failure.reason) && destination !== undefined)
        await offerPublicKey({ destination, sshConfig: dialogue.given.sshConfig }, dialogue);
      const next = await askNext(failure, answers, dialogue);
      if (next === 'stop') return undefined;
      if (next === 'again') continue;
      if (next === 'destination') await undoAll(dialogue);
      for (const key of [next, ...DEPENDENT[next]]) delete answers[key];
    }
  }
}

async function start(
  spec: ServerSpec,
  order: { readonly timeoutMs: number; readonly install: InstallOrder | undefined },
  { terminal: { context }, undoings }: Dialogue,
): Promise<Started> {
  const before = readRecords(context)[spec.name];
  const started = await startServer(spec, { kind: 'start', ...order }, context).catch(async (failure) => {
    // A start leaves its job in the queue; init leaves nothing behind.
    const job = before ? undefined : readRecords(context)[spec.name]?.job;
    if (job) {
      await stopServer(spec, undefined, uninterrupted(context));
      context.report.note(`the job ${job.id} was cancelled`);
    }
    throw failure;
  });
  const { spec: running } = started.record;
  if (!started.joined) undoings.push(() => stopServer(running, undefined, uninterrupted(context)));
  else if (!before) undoings.push(() => forgetServer(running, uninterrupted(context)));
  else if (before.closed) undoings.push(() => disconnectServer(running, uninterrupted(context)));
  return started;
}

const NEXT = {
  job: 'other options of the batch job',
  environment: 'another environment',
  directory: 'another directory',
  destination: 'another host',
  name: 'another name',
  again: 'try the same again',
  stop: 'stop here and save nothing',
} as const;
type Next = keyof typeof NEXT;

function askNext(failure: Failure, { job = {} }: Answers, dialogue: Dialogue): Promise<Next> {
  const isInJob = Object.keys(job).length > 0;
  const rows = Object.entries(NEXT)
    .filter(([word]) => word !== 'job' || isInJob)
    .map(([word, about]) => ({ word, about }));
  const read = (answer: string) => {
    if (rows.some(({ word }) => word === answer)) return answer as Next;
    throw new UsageError(`"${answer}" is not one of these`);
  };
  return choose({ text: 'What now?', byDefault: likelyMistake(failure, isInJob), read }, rows, dialogue);
}

/** The answer that probably caused the failure; `again` if none did. */
function likelyMistake(failure: Failure, isInJob: boolean): Next {
  if (failure instanceof SshFailure) return 'destination';
  // The other answers are verified when they are given.
  if (failure instanceof UsageError) return 'name';
  if (isInJob && !(failure instanceof HostFailure)) return 'job';
  if (!(failure instanceof HostFailure)) return 'again';
  if (isInJob && ['refused', 'queue', 'ended'].includes(failure.reason ?? '')) return 'job';
  if (failure.reason === 'directory') return 'directory';
  return ['timeout', 'folder', 'elsewhere'].includes(failure.reason ?? '') ? 'again' : 'environment';
}
