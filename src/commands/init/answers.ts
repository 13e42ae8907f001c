import { verifyNotArticle } from '../../article/store.ts';
import { verifySameServer } from '../../config/same-server.ts';
import { type Offer, survey } from '../../host/environments.ts';
import { HostFailure } from '../../host/failures.ts';
import { foldersFrom } from '../../host/folders.ts';
import type { InstallOrder } from '../../host/install/install.ts';
import { installCommand } from '../../model/environment.ts';
import { defaultName, makeSpec, nameFrom, type ServerEntry } from '../../model/server-spec.ts';
import type { ServerSettings } from '../../model/settings.ts';
import { yesOrNo } from '../../screen/questions.ts';
import { readRecords } from '../../state/records.ts';
import { silent, uninterrupted } from '../../system/context.ts';
import { UsageError } from '../../system/errors.ts';
import { connectionOf } from '../../tunnel/connection.ts';
import { openTunnel, releaseTunnel } from '../../tunnel/tunnel.ts';
import { askDestination } from './destination.ts';
import { choose, type Dialogue } from './dialogue.ts';
import { askJob } from './job.ts';
import { offerKey } from './key.ts';

/** The answers so far, in the order of the questions. */
export interface Answers {
  destination?: string | undefined;
  /** The settings of a batch job. */
  job?: ServerSettings | undefined;
  directory?: string | undefined;
  environment?: string | undefined;
  /** What to install in the environment before the start. */
  install?: InstallOrder | undefined;
  name?: string | undefined;
}

/** Those that the command line can have; it has the settings of a job one by one, and what to install is verified first. */
export type GivenAnswers = Omit<Answers, 'job' | 'install'>;
type GivenAnswer = keyof GivenAnswers;

/**
 * Asks for the missing answers, and looks at the host for suggestions.
 * @param given the answers on the command line; each is used once and removed
 */
export async function complete(
  answers: Answers,
  given: GivenAnswers,
  dialogue: Dialogue,
): Promise<{ name: string; entry: ServerEntry }> {
  const take = (key: GivenAnswer) => {
    const answer = given[key];
    delete given[key];
    return answer;
  };
  answers.destination ??= await askDestination(take('destination'), dialogue);
  answers.directory ??= take('directory');
  answers.environment ??= take('environment');
  const { destination } = answers;
  if (dialogue.isAsking || answers.directory === undefined || answers.environment === undefined)
    await connect({ ...dialogue.given, destination }, dialogue);
  answers.job ??= await jobFor({ ...dialogue.given, destination }, dialogue);
  const onHost = { ...dialogue.given, ...answers.job, destination };
  let offers: readonly Offer[] | undefined;
  answers.directory ??= await dialogue.ask({
    text: `Directory on ${destination}:`,
    byDefault: '',
    hint: 'the home folder',
    completions: (typed) => foldersOn(onHost, typed, dialogue),
    read: async (typed) => {
      // Tab puts a slash at the end.
      const directory = typed.replace(/(?<=.)\/+$/, '');
      offers = await findOffers({ ...onHost, directory, environment: '' }, dialogue).catch(asMistake);
      return directory;
    },
  });
  const inDirectory = { ...onHost, directory: answers.directory };
  if (answers.environment === undefined) {
    offers ??= await findOffers({ ...inDirectory, environment: '' }, dialogue);
    const isMissing = !hasReady(offers);
    if (isMissing) answers.install ??= await askInstall(inDirectory, dialogue);
    const isMade = isMissing && answers.install;
    answers.environment = isMade ? '' : await askEnvironment(offers, inDirectory, dialogue);
  }
  const entry = { ...inDirectory, environment: answers.environment };
  answers.name ??= await askName(take('name'), entry, dialogue);
  return { name: answers.name, entry };
}

/** The settings of a batch job that are not on the command line. */
async function jobFor(entry: ServerEntry, dialogue: Dialogue): Promise<ServerSettings> {
  const isGiven = entry.launcher !== undefined;
  return isGiven || !dialogue.isAsking ? {} : askJob(entry, dialogue);
}

/** Opens the connection that the start will use, so that ssh asks for a password first. */
async function connect(entry: ServerEntry, dialogue: Dialogue): Promise<void> {
  const { context } = dialogue.terminal;
  const connection = connectionOf(makeSpec('init', entry), context.env);
  dialogue.undoings.push(() => releaseTunnel(connection, uninterrupted(context)));
  context.report.phase('connect');
  await openTunnel(connection, context);
  await offerKey(connection, dialogue);
}

/** The folders that Tab completes, over the open connection. */
function foldersOn(entry: ServerEntry, typed: string, { terminal }: Dialogue): Promise<string[]> {
  const spec = makeSpec('init', entry);
  const context = silent(terminal.context);
  return foldersFrom(typed, { connection: connectionOf(spec, context.env), spec, context });
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

function hasReady(offers: readonly Offer[]): boolean {
  return offers.some(({ isReady }) => isReady);
}

/** Asks whether to install Jupyter, since none was found. */
async function askInstall(
  { destination, directory }: ServerEntry,
  { terminal, ask, isAsking }: Dialogue,
): Promise<InstallOrder | undefined> {
  terminal.show(`No Jupyter was found on ${destination}.`);
  if (!isAsking) return undefined;
  const venv = `a venv in ${directory || 'your home folder'}`;
  const isWanted = await ask(yesOrNo(`Install JupyterLab there, in ${venv}?`, true));
  return isWanted ? { requirements: false } : undefined;
}

function askEnvironment(offers: readonly Offer[], entry: ServerEntry, dialogue: Dialogue): Promise<string> {
  const { show } = dialogue.terminal;
  if (!hasReady(offers))
    show(`To install Jupyter on the host: ${installCommand({ kind: 'none' })}, or in an environment.`);
  const rows = offers.map(({ word, about }) => ({ word: word || NONE, about }));
  const read = async (answer: string) => {
    const environment = answer === NONE ? '' : answer;
    const isOffered = environment === '' || offers.some(({ word }) => word === environment);
    if (!isOffered) await findOffers({ ...entry, environment }, dialogue).catch(asMistake);
    return environment;
  };
  const byDefault = (offers[0]?.isReady && offers[0].word) || NONE;
  return choose({ text: 'Environment (one of these, or another):', byDefault, read }, rows, dialogue);
}

async function askName(
  given: string | undefined,
  entry: ServerEntry,
  { terminal: { context }, ask, isAsking, configured }: Dialogue,
): Promise<string> {
  const host = defaultName(entry.destination);
  const folder = entry.directory?.replace(/\/+$/, '').split('/').at(-1);
  const candidates = [host, nameFrom(folder || host), `${host}-2`];
  const records = readRecords(context);
  const read = (name: string) => {
    const spec = makeSpec(name, entry);
    verifyNotArticle(name, context);
    if (records[name]) verifySameServer(records[name], spec, context);
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
