import { verifyNotArticle } from '../../article/store.ts';
import { type Survey, survey } from '../../host/environments.ts';
import { HostFailure } from '../../host/failures.ts';
import { verifySameServer } from '../../lifecycle/differences.ts';
import { type Started, startServer } from '../../lifecycle/start.ts';
import { disconnectServer, forgetServer, stopServer } from '../../lifecycle/stop.ts';
import { installCommand } from '../../model/environment.ts';
import { defaultName, makeSpec, type ServerEntry, type ServerSpec } from '../../model/server-spec.ts';
import type { ServerSettings } from '../../model/settings.ts';
import { type Ask, yesOrNo } from '../../screen/questions.ts';

import type { Terminal } from '../../screen/terminal.ts';
import { readRecords } from '../../state/records.ts';
import { uninterrupted } from '../../system/context.ts';
import { Failure, Interrupted, UsageError } from '../../system/errors.ts';
import { connectionOf, openTunnel, releaseTunnel } from '../../tunnel/tunnel.ts';
import { askDestination } from './destination.ts';
import type { Dialogue } from './dialogue.ts';
import { wrongAnswer } from './wrong-answer.ts';

/** The questions, in their order, each with its answer if there is one. */
export interface Answers {
  destination?: string | undefined;
  directory?: string | undefined;
  environment?: string | undefined;
  name?: string | undefined;
}

/** What was answered of one host, or of one directory, says nothing of another. */
const BELONGING: Readonly<Record<keyof Answers, readonly (keyof Answers)[]>> = {
  destination: ['directory', 'environment', 'name'],
  directory: ['environment'],
  environment: [],
  name: [],
};

/** A server that has been started, and the settings by which it is known again. */
export interface Tried extends Started {
  readonly settings: ServerEntry;
}

/**
 * Asks for what is not said, and starts the server; after a failure asks which answer is to be another one.
 * Undefined when the user gives up.
 * @param given what is not asked for
 * @param said what need not be asked for
 */
export async function tryOut(
  given: ServerSettings,
  said: Readonly<Answers>,
  timeoutMs: number,
  dialogue: Dialogue,
): Promise<Tried | undefined> {
  const { terminal, isAsking, begun } = dialogue;
  const unheard: Answers = { ...said };
  const answers: Answers = {};
  for (;;) {
    try {
      const { name, settings } = await completed(given, unheard, answers, dialogue);
      const spec = makeSpec(name, settings);
      return { ...(await start(spec, timeoutMs, dialogue)), settings };
    } catch (failure) {
      // What is wrong with options, no other answer mends.
      const isFinal = failure instanceof Interrupted || failure instanceof UsageError;
      if (!isAsking || isFinal || !(failure instanceof Failure)) throw failure;
      terminal.complain(failure);
      const way = await askWay(failure, dialogue);
      if (way === 'stop') return undefined;
      if (way === 'again') continue;
      if (way === 'destination') await begun.undo();
      for (const key of [way, ...BELONGING[way]]) delete answers[key];
    }
  }
}

async function start(spec: ServerSpec, timeoutMs: number, { terminal, begun }: Dialogue): Promise<Started> {
  const { context } = terminal;
  const before = readRecords(context)[spec.name];
  const started = await startServer(spec, { mode: 'start', timeoutMs }, context);
  const known = { spec: started.record.spec, record: started.record };
  if (!started.joined) begun.add(() => stopServer(known, undefined, uninterrupted(context)));
  else if (!before) begun.add(() => forgetServer(known, uninterrupted(context)));
  else if (before.closed) begun.add(() => disconnectServer(known, uninterrupted(context)));
  return started;
}

/**
 * All that is to be known of the server: asks for what is still open, and looks at the host for it.
 * @param unheard what the command line says, until it has been an answer
 */
async function completed(
  given: ServerSettings,
  unheard: Answers,
  answers: Answers,
  dialogue: Dialogue,
): Promise<{ name: string; settings: ServerEntry }> {
  const heard = (key: keyof Answers) => {
    const answer = unheard[key];
    delete unheard[key];
    return answer;
  };
  answers.destination ??= await askDestination(heard('destination'), dialogue);
  const { destination } = answers;
  answers.directory ??= heard('directory');
  answers.environment ??= heard('environment');
  if (answers.directory === undefined || answers.environment === undefined)
    await connect(destination, dialogue);
  let found: Survey | undefined;
  answers.directory ??= await dialogue.ask({
    text: `Directory on ${destination}:`,
    byDefault: '',
    hint: 'the home folder',
    read: async (directory) => {
      found = await lookAt(destination, directory, dialogue).catch(asMistake);
      return directory;
    },
  });
  const { directory } = answers;
  if (answers.environment === undefined) {
    found ??= await lookAt(destination, directory, dialogue);
    answers.environment = await askEnvironment(found, { ...given, destination, directory }, dialogue);
  }
  const settings = { ...given, destination, directory, environment: answers.environment };
  answers.name ??= await askName(heard('name'), settings, dialogue);
  return { name: answers.name, settings };
}

/** The connection that the start will use, too; ssh may ask on it. */
async function connect(destination: string, { terminal, sshConfig, begun }: Dialogue): Promise<void> {
  const { context } = terminal;
  const connection = connectionOf(makeSpec('init', { destination, sshConfig }), context.env);
  begun.add(() => releaseTunnel(connection, uninterrupted(context)));
  context.report.phase('connect');
  await openTunnel(connection, context);
}

function lookAt(
  destination: string,
  directory: string,
  { terminal: { context }, sshConfig }: Dialogue,
): Promise<Survey> {
  context.report.phase('look');
  const spec = makeSpec('init', { destination, directory, sshConfig });
  return survey(connectionOf(spec, context.env), spec, context);
}

/** What the scripts on the host call a directory or an environment that is not there. */
const NOT_THERE = ['directory', 'environment', 'enter', 'tool'];

/** What is not there is a wrong answer. */
function asMistake(failure: unknown): never {
  if (!(failure instanceof HostFailure && NOT_THERE.includes(failure.reason ?? ''))) throw failure;
  const isDirectory = failure.reason === 'directory';
  throw new UsageError(failure.message, {
    remedy: isDirectory ? 'Make it there first, or name another.' : failure.remedy,
    cause: failure,
  });
}

/** The word for no environment, by which a start takes what it finds. */
const NONE = 'none';

/** @param settings all that is known of the server so far */
async function askEnvironment(
  { offers }: Survey,
  settings: ServerEntry,
  { terminal, ask }: Dialogue,
): Promise<string> {
  const { context } = terminal;
  const rows = offers.map(({ word, about }) => ({ word: word || NONE, about }));
  if (!offers.some(({ isReady }) => isReady))
    terminal.say(
      `No Jupyter was found there. To install one: ${installCommand({ kind: 'none' })}, or in an environment.`,
    );
  const [best] = offers;
  const read = async (answer: string) => {
    const environment = answer === NONE ? '' : answer;
    const spec = makeSpec('init', { ...settings, environment });
    if (environment === '' || offers.some(({ word }) => word === environment)) return environment;
    context.report.phase('look');
    await survey(connectionOf(spec, context.env), spec, context).catch(asMistake);
    return environment;
  };
  const byDefault = best?.isReady ? best.word || NONE : NONE;
  return choose('Environment (of these, or another):', rows, byDefault, read, terminal, ask);
}

async function askName(
  said: string | undefined,
  settings: ServerEntry,
  { terminal, ask, isAsking, configured }: Dialogue,
): Promise<string> {
  const host = defaultName(settings.destination);
  const folder = settings.directory?.replace(/\/+$/, '').split('/').at(-1);
  const candidates = [host, defaultName(folder || host), `${host}-2`];
  const records = readRecords(terminal.context);
  const read = (name: string) => {
    const spec = makeSpec(name, settings);
    verifyNotArticle(name, terminal.context);
    const record = Object.hasOwn(records, name) ? records[name] : undefined;
    if (record) verifySameServer(record, spec);
    return name;
  };
  for (let name = said === undefined ? undefined : read(said); ; name = undefined) {
    name ??= await ask({
      text: 'A name for this server:',
      byDefault: candidates.find((candidate) => !Object.hasOwn(configured, candidate)),
      read,
    });
    const known = Object.hasOwn(configured, name) ? configured[name] : undefined;
    if (!known || !isAsking) return name;
    const question = `config.yaml has "${name}", on ${known.destination}: replace it?`;
    if (await ask(yesOrNo(question, false))) return name;
  }
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

function askWay(failure: Failure, { terminal, ask }: Dialogue): Promise<Way> {
  const rows = Object.entries(WAYS).map(([word, about]) => ({ word, about }));
  const read = (answer: string) => {
    if (Object.hasOwn(WAYS, answer)) return answer as Way;
    throw new UsageError(`"${answer}" is none of these`);
  };
  return choose('What now?', rows, wrongAnswer(failure) ?? 'again', read, terminal, ask);
}

/** Shows what there is to choose from; the answer is a number of these, or a word. */
function choose<T>(
  text: string,
  rows: readonly { readonly word: string; readonly about: string }[],
  byDefault: string,
  read: (word: string) => T | Promise<T>,
  terminal: Terminal,
  ask: Ask,
): Promise<T> {
  const width = Math.max(0, ...rows.map(({ word }) => word.length));
  for (const [index, { word, about }] of rows.entries())
    terminal.say(`  ${index + 1}  ${word.padEnd(width)}  ${terminal.style.dim(about)}`);
  return ask({
    text,
    byDefault,
    completions: rows.map(({ word }) => word),
    read: (answer) => {
      if (!/^\d+$/.test(answer)) return read(answer);
      const row = rows[Number(answer) - 1];
      if (row) return read(row.word);
      throw new UsageError(`there is no ${answer}`, { remedy: `There are 1 to ${rows.length}.` });
    },
  });
}
