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
import { connectionOf } from '../../tunnel/connection.ts';
import { openTunnel, releaseTunnel } from '../../tunnel/tunnel.ts';
import { askDestination } from './destination.ts';
import { choose, type Dialogue } from './dialogue.ts';

/** The answers so far, in the order of the questions. */
export interface Answers {
  destination?: string | undefined;
  directory?: string | undefined;
  environment?: string | undefined;
  name?: string | undefined;
}

/**
 * Asks for the missing answers, and looks at the host for suggestions.
 * @param given the answers on the command line; each is used once and removed
 */
export async function complete(
  answers: Answers,
  given: Answers,
  dialogue: Dialogue,
): Promise<{ name: string; entry: ServerEntry }> {
  const take = (key: keyof Answers) => {
    const answer = given[key];
    delete given[key];
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
      offers = await findOffers({ ...onHost, directory, environment: '' }, dialogue).catch(asMistake);
      return directory;
    },
  });
  const inDirectory = { ...onHost, directory: answers.directory };
  if (answers.environment === undefined) {
    offers ??= await findOffers({ ...inDirectory, environment: '' }, dialogue);
    answers.environment = await askEnvironment(offers, inDirectory, dialogue);
  }
  const entry = { ...inDirectory, environment: answers.environment };
  answers.name ??= await askName(take('name'), entry, dialogue);
  return { name: answers.name, entry };
}

/** Opens the connection that the start will use, so that ssh asks for a password first. */
async function connect(entry: ServerEntry, { terminal: { context }, undoings }: Dialogue): Promise<void> {
  const connection = connectionOf(makeSpec('init', entry), context.env);
  undoings.push(() => releaseTunnel(connection, uninterrupted(context)));
  context.report.phase('connect');
  await openTunnel(connection, context);
}

/** Looks at the host for environments; fails if the one of the entry cannot be entered. */
function findOffers(entry: ServerEntry, { terminal: { context } }: Dialogue): Promise<Offer[]> {
  const spec = makeSpec('init', entry);
  context.report.phase('look');
  return survey({ connection: connectionOf(spec, context.env), spec, context });
}

/** The failures of the host's scripts that another answer fixes. */
const MISTAKES = ['directory', 'environment', 'enter', 'tool'];

function asMistake(failure: unknown): never {
  if (!(failure instanceof HostFailure && MISTAKES.includes(failure.reason ?? ''))) throw failure;
  const isDirectory = failure.reason === 'directory';
  throw new UsageError(failure.message, {
    remedy: isDirectory ? 'Create it on the host first, or enter another one.' : failure.remedy,
    cause: failure,
  });
}

/** The answer for no environment: then `start` uses the Jupyter that it finds. */
const NONE = 'none';

function askEnvironment(offers: readonly Offer[], entry: ServerEntry, dialogue: Dialogue): Promise<string> {
  const { show } = dialogue.terminal;
  if (!offers.some(({ isReady }) => isReady)) {
    const install = installCommand({ kind: 'none' });
    show(`No Jupyter was found on the host. To install it there: ${install}, or in an environment.`);
  }
  const rows = offers.map(({ word, about }) => ({ word: word || NONE, about }));
  const read = async (answer: string) => {
    const environment = answer === NONE ? '' : answer;
    const isOffered = environment === '' || offers.some(({ word }) => word === environment);
    if (!isOffered) await findOffers({ ...entry, environment }, dialogue).catch(asMistake);
    return environment;
  };
  const byDefault = (offers[0]?.isReady && offers[0].word) || NONE;
  return choose({ text: 'Environment (of these, or another):', byDefault, read }, rows, dialogue);
}

async function askName(
  given: string | undefined,
  entry: ServerEntry,
  { terminal: { context }, ask, isAsking, configured }: Dialogue,
): Promise<string> {
  const host = defaultName(entry.destination);
  const folder = entry.directory?.replace(/\/+$/, '').split('/').at(-1);
  const candidates = [host, defaultName(folder || host), `${host}-2`];
  const records = readRecords(context);
  const read = (name: string) => {
    const spec = makeSpec(name, entry);
    verifyNotArticle(name, context);
    if (records[name]) verifySameServer(records[name], spec);
    return name;
  };
  const byDefault = candidates.find((candidate) => !configured[candidate]);
  for (let name = given && read(given); ; name = undefined) {
    name ??= await ask({ text: 'A name for this server:', byDefault, read });
    const other = configured[name];
    if (!other || !isAsking) return name;
    const question = `config.yaml has "${name}", on ${other.destination}: replace it?`;
    if (await ask(yesOrNo(question, false))) return name;
  }
}
