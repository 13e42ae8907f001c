import { verifyNotArticle } from '../../article/store.ts';
import { type Offer, survey } from '../../host/environments.ts';
import { HostFailure } from '../../host/failures.ts';
import { verifySameServer } from '../../lifecycle/start.ts';
import { installCommand } from '../../model/environment.ts';
import { defaultName, makeSpec, type ServerEntry } from '../../model/server-spec.ts';
import { yesOrNo } from '../../screen/questions.ts';
import { readRecords } from '../../state/records.ts';
import { uninterrupted } from '../../system/context.ts';
import { UsageError } from '../../system/errors.ts';
import { connectionOf, openTunnel, releaseTunnel } from '../../tunnel/tunnel.ts';
import { askDestination } from './destination.ts';
import { choose, type Dialogue } from './dialogue.ts';

/** The questions, in their order, each with its answer if there is one. */
export interface Answers {
  destination?: string | undefined;
  directory?: string | undefined;
  environment?: string | undefined;
  name?: string | undefined;
}

/**
 * All that is to be known of the server: asks for what is still open, and looks at the host for it.
 * @param said what the command line says, each until it has been an answer
 */
export async function complete(
  answers: Answers,
  said: Answers,
  dialogue: Dialogue,
): Promise<{ name: string; entry: ServerEntry }> {
  const take = (key: keyof Answers) => {
    const answer = said[key];
    delete said[key];
    return answer;
  };
  answers.destination ??= await askDestination(take('destination'), dialogue);
  answers.directory ??= take('directory');
  answers.environment ??= take('environment');
  const onHost = { ...dialogue.given, destination: answers.destination };
  if (answers.directory === undefined || answers.environment === undefined) await connect(onHost, dialogue);
  let offers: readonly Offer[] | undefined;
  answers.directory ??= await dialogue.ask({
    text: `Directory on ${answers.destination}:`,
    byDefault: '',
    hint: 'the home folder',
    read: async (directory) => {
      offers = await lookAt({ ...onHost, directory }, dialogue).catch(asMistake);
      return directory;
    },
  });
  const inDirectory = { ...onHost, directory: answers.directory };
  if (answers.environment === undefined) {
    offers ??= await lookAt(inDirectory, dialogue);
    answers.environment = await askEnvironment(offers, inDirectory, dialogue);
  }
  const entry = { ...inDirectory, environment: answers.environment };
  answers.name ??= await askName(take('name'), entry, dialogue);
  return { name: answers.name, entry };
}

/** The connection that the start will use, too; ssh may ask on it. */
async function connect(entry: ServerEntry, { terminal: { context }, undoings }: Dialogue): Promise<void> {
  const connection = connectionOf(makeSpec('init', entry), context.env);
  undoings.push(() => releaseTunnel(connection, uninterrupted(context)));
  context.report.phase('connect');
  await openTunnel(connection, context);
}

function lookAt(entry: ServerEntry, { terminal: { context } }: Dialogue): Promise<Offer[]> {
  context.report.phase('look');
  const spec = makeSpec('init', { ...entry, environment: '' });
  return survey({ connection: connectionOf(spec, context.env), spec, context });
}

/** What the host's scripts call a directory or an environment that is not there. */
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

/** @param entry all that is known of the server so far */
function askEnvironment(offers: readonly Offer[], entry: ServerEntry, dialogue: Dialogue): Promise<string> {
  const { show, context } = dialogue.terminal;
  if (!offers.some(({ isReady }) => isReady))
    show(
      `No Jupyter was found there. To install one: ${installCommand({ kind: 'none' })}, or in an environment.`,
    );
  const rows = offers.map(({ word, about }) => ({ word: word || NONE, about }));
  const read = async (answer: string) => {
    const environment = answer === NONE ? '' : answer;
    const spec = makeSpec('init', { ...entry, environment });
    if (environment === '' || offers.some(({ word }) => word === environment)) return environment;
    context.report.phase('look');
    await survey({ connection: connectionOf(spec, context.env), spec, context }).catch(asMistake);
    return environment;
  };
  const byDefault = (offers[0]?.isReady && offers[0].word) || NONE;
  return choose({ text: 'Environment (of these, or another):', byDefault, read }, rows, dialogue);
}

async function askName(
  said: string | undefined,
  entry: ServerEntry,
  { terminal: { context }, ask, isAsking, configured }: Dialogue,
): Promise<string> {
  const host = defaultName(entry.destination);
  const folder = entry.directory?.replace(/\/+$/, '').split('/').at(-1);
  const candidates = [host, defaultName(folder || host), `${host}-2`];
  const records = new Map(Object.entries(readRecords(context)));
  const known = new Map(Object.entries(configured));
  const read = (name: string) => {
    const spec = makeSpec(name, entry);
    verifyNotArticle(name, context);
    const record = records.get(name);
    if (record) verifySameServer(record, spec);
    return name;
  };
  const byDefault = candidates.find((candidate) => !known.has(candidate));
  for (let name = said && read(said); ; name = undefined) {
    name ??= await ask({ text: 'A name for this server:', byDefault, read });
    const other = known.get(name);
    if (!other || !isAsking) return name;
    const question = `config.yaml has "${name}", on ${other.destination}: replace it?`;
    if (await ask(yesOrNo(question, false))) return name;
  }
}
