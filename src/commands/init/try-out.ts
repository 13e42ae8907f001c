import { HostFailure } from '../../host/failures.ts';
import { type Started, startServer } from '../../lifecycle/start.ts';
import { disconnectServer, forgetServer, stopServer } from '../../lifecycle/stop.ts';
import { makeSpec, type ServerEntry, type ServerSpec } from '../../model/server-spec.ts';
import { SshFailure } from '../../ssh/messages.ts';
import { readRecords } from '../../state/records.ts';
import { uninterrupted } from '../../system/context.ts';
import { Failure, Interrupted, UsageError } from '../../system/errors.ts';
import { type Answers, complete } from './answers.ts';
import { choose, type Dialogue, undoAll } from './dialogue.ts';

/** A server that was started, and its settings. */
export interface Tried extends Started {
  readonly entry: ServerEntry;
}

/** The later answers that depend on an answer. */
const DEPENDENT: Readonly<Record<keyof Answers, readonly (keyof Answers)[]>> = {
  destination: ['directory', 'environment', 'name'],
  directory: ['environment'],
  environment: [],
  name: [],
};

/**
 * Asks for the settings that are not given and starts the server. After a failure it asks which setting to change.
 * Returns undefined if the user gives up.
 */
export async function tryOut(
  given: Readonly<Answers>,
  timeoutMs: number,
  dialogue: Dialogue,
): Promise<Tried | undefined> {
  const unused = { ...given };
  const answers: Answers = {};
  for (;;) {
    try {
      const { name, entry } = await complete(answers, unused, dialogue);
      return { ...(await start(makeSpec(name, entry), timeoutMs, dialogue)), entry };
    } catch (failure) {
      // No other answer fixes a wrong option.
      const isFinal = failure instanceof Interrupted || failure instanceof UsageError;
      if (!dialogue.isAsking || isFinal || !(failure instanceof Failure)) throw failure;
      dialogue.terminal.showFailure(failure);
      const next = await askNext(failure, dialogue);
      if (next === 'stop') return undefined;
      if (next === 'again') continue;
      if (next === 'destination') await undoAll(dialogue);
      for (const key of [next, ...DEPENDENT[next]]) delete answers[key];
    }
  }
}

async function start(
  spec: ServerSpec,
  timeoutMs: number,
  { terminal: { context }, undoings }: Dialogue,
): Promise<Started> {
  const before = readRecords(context)[spec.name];
  const started = await startServer(spec, { kind: 'start', timeoutMs }, context);
  const { spec: running } = started.record;
  if (!started.joined) undoings.push(() => stopServer(running, undefined, uninterrupted(context)));
  else if (!before) undoings.push(() => forgetServer(running, uninterrupted(context)));
  else if (before.closed) undoings.push(() => disconnectServer(running, uninterrupted(context)));
  return started;
}

const NEXT = {
  environment: 'another environment',
  directory: 'another directory',
  destination: 'another host',
  name: 'another name',
  again: 'try the same again',
  stop: 'stop here and save nothing',
} as const;
type Next = keyof typeof NEXT;

function askNext(failure: Failure, dialogue: Dialogue): Promise<Next> {
  const rows = Object.entries(NEXT).map(([word, about]) => ({ word, about }));
  const read = (answer: string) => {
    if (Object.hasOwn(NEXT, answer)) return answer as Next;
    throw new UsageError(`"${answer}" is not one of these`);
  };
  return choose({ text: 'What now?', byDefault: likelyMistake(failure), read }, rows, dialogue);
}

/** The answer that probably caused the failure; `again` if none did. */
function likelyMistake(failure: Failure): Next {
  if (failure instanceof SshFailure) return 'destination';
  if (!(failure instanceof HostFailure)) return 'again';
  if (failure.reason === 'directory') return 'directory';
  return ['timeout', 'folder', 'elsewhere'].includes(failure.reason ?? '') ? 'again' : 'environment';
}
