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

/** A server that has been started, and what was said of it. */
export interface Tried extends Started {
  readonly entry: ServerEntry;
}

/** What was answered of one host, or of one directory, says nothing of another. */
const BELONGING: Readonly<Record<keyof Answers, readonly (keyof Answers)[]>> = {
  destination: ['directory', 'environment', 'name'],
  directory: ['environment'],
  environment: [],
  name: [],
};

/**
 * Asks for what is not said, and starts the server; after a failure asks which answer is to be another one.
 * Undefined when the user gives up.
 */
export async function tryOut(
  said: Readonly<Answers>,
  timeoutMs: number,
  dialogue: Dialogue,
): Promise<Tried | undefined> {
  const { terminal, isAsking } = dialogue;
  const unheard = { ...said };
  const answers: Answers = {};
  for (;;) {
    try {
      const { name, entry } = await complete(answers, unheard, dialogue);
      return { ...(await start(makeSpec(name, entry), timeoutMs, dialogue)), entry };
    } catch (failure) {
      // What is wrong with options, no other answer mends.
      const isFinal = failure instanceof Interrupted || failure instanceof UsageError;
      if (!isAsking || isFinal || !(failure instanceof Failure)) throw failure;
      terminal.showFailure(failure);
      const way = await askWay(failure, dialogue);
      if (way === 'stop') return undefined;
      if (way === 'again') continue;
      if (way === 'destination') await undoAll(dialogue);
      for (const key of [way, ...BELONGING[way]]) delete answers[key];
    }
  }
}

async function start(
  spec: ServerSpec,
  timeoutMs: number,
  { terminal, undoings }: Dialogue,
): Promise<Started> {
  const { context } = terminal;
  const before = readRecords(context)[spec.name];
  const started = await startServer(spec, { kind: 'start', timeoutMs }, context);
  const { spec: running } = started.record;
  if (!started.joined) undoings.push(() => stopServer(running, undefined, uninterrupted(context)));
  else if (!before) undoings.push(() => forgetServer(running, uninterrupted(context)));
  else if (before.closed) undoings.push(() => disconnectServer(running, uninterrupted(context)));
  return started;
}

const WAYS = {
  environment: 'another environment',
  directory: 'another directory',
  destination: 'another host',
  name: 'another name',
  again: 'the same once more',
  stop: 'stop here: nothing is kept',
} as const;
type Way = keyof typeof WAYS;

function askWay(failure: Failure, dialogue: Dialogue): Promise<Way> {
  const rows = Object.entries(WAYS).map(([word, about]) => ({ word, about }));
  const read = (answer: string) => {
    if (Object.hasOwn(WAYS, answer)) return answer as Way;
    throw new UsageError(`"${answer}" is none of these`);
  };
  return choose({ text: 'What now?', byDefault: wrongAnswer(failure), read }, rows, dialogue);
}

/** What the user may have said wrongly; `again` where nothing points to it. */
function wrongAnswer(failure: Failure): Way {
  if (failure instanceof SshFailure) return 'destination';
  if (!(failure instanceof HostFailure)) return 'again';
  if (failure.reason === 'directory') return 'directory';
  return ['timeout', 'folder', 'elsewhere'].includes(failure.reason ?? '') ? 'again' : 'environment';
}
