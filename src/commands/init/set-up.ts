import { readConfiguration, saveServer } from '../../config/file.ts';
import { jobNamed } from '../../config/schema.ts';
import type { InstallOrder } from '../../host/install/install.ts';
import { stopServer } from '../../lifecycle/stop.ts';
import { defaultName, type GivenSettings, makeSpec, startCommand } from '../../model/server-spec.ts';
import { settingsIn } from '../../model/settings.ts';
import { takeDefault, yesOrNo } from '../../screen/questions.ts';
import type { Terminal } from '../../screen/terminal.ts';
import { shellOf } from '../../shell/start-up-file.ts';
import { commandLine } from '../../system/command.ts';
import { uninterrupted } from '../../system/context.ts';
import { Interrupted } from '../../system/errors.ts';
import { ensurePrivateFolder, verifyWritable } from '../../system/files.ts';
import { configurationFile, stateFolder } from '../../system/paths.ts';
import { installConfigured } from '../aliases.ts';
import { openStarted } from '../start.ts';
import type { Answers, GivenAnswers } from './answers.ts';
import { type Dialogue, undoAll } from './dialogue.ts';
import { type Tried, tryOut } from './try-out.ts';

/** The command line of `init`. */
interface Arguments extends GivenSettings {
  readonly server?: string | undefined;
  readonly yes: boolean;
  readonly browser: boolean;
  readonly json: boolean;
}

/** How the server is started. */
interface StartOrder {
  readonly timeoutMs: number;
  readonly install: InstallOrder | undefined;
}

/** Asks for the settings of a server, starts it and saves it. Returns the exit status. */
export async function setUp(args: Arguments, order: StartOrder, terminal: Terminal): Promise<number> {
  const { env } = terminal.context;
  const { server: destination, directory, environment, name } = args;
  // What cannot work fails before the first question.
  const file = configurationFile(env);
  const { jobs, servers: configured } = await readConfiguration(file);
  const ofJob = args.job === undefined ? {} : jobNamed(args.job, jobs, `"${args.job}"`);
  const settings = { ...ofJob, ...settingsIn(args) };
  verifyWritable(file);
  ensurePrivateFolder(stateFolder(env));
  makeSpec(name ?? 'init', { ...settings, destination: destination ?? 'init' });
  const dialogue = {
    terminal,
    ask: args.yes ? takeDefault : terminal.ask,
    isAsking: !args.yes,
    given: settings,
    configured,
    undoings: [],
    kept: [],
    offered: new Set<string>(),
  };
  if (!args.yes)
    terminal.show('Enter accepts the default in brackets. Nothing is saved until the server works.\n');
  const given = { destination, directory, environment, name };
  const saved = await tryAndSave(given, order, file, dialogue);
  if (saved) return finish(saved, file, args, dialogue);
  terminal.show('Nothing was saved.');
  return 1;
}

/** A server that works and is in config.yaml. */
interface Saved extends Tried {
  /** Whether `start` without a name starts it. */
  readonly isDefault: boolean;
}

/** Asks until a server works, and saves it. Undoes everything if that fails; returns undefined if the user gives up. */
async function tryAndSave(
  given: GivenAnswers,
  order: StartOrder,
  file: string,
  dialogue: Dialogue,
): Promise<Saved | undefined> {
  const { terminal, configured, undoings } = dialogue;
  const answers: Answers = { install: order.install };
  let isSaved = false;
  try {
    const tried = await tryOut(given, answers, order.timeoutMs, dialogue);
    if (!tried) return undefined;
    const { spec, jupyter } = tried.record;
    const { name, destination, sshConfig } = spec;
    const what = `${jupyter.command} in ${jupyter.directory} on ${destination}`;
    terminal.show(`\n${terminal.style.bold(name)} works: ${what}.`);
    const isDefault = Object.keys(configured).every((known) => known === name);
    await saveServer(file, name, { ...tried.entry, sshConfig }, isDefault);
    undoings.length = 0;
    isSaved = true;
    terminal.show(`Saved to ${file}${isDefault ? ' as the default' : ''}.`);
    return { ...tried, isDefault };
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    const kept = [...dialogue.kept, ...(answers.install?.isDone ? ['what was installed'] : [])];
    throw new Interrupted(
      kept.length === 0
        ? 'Interrupted; nothing is left behind.'
        : `Interrupted; nothing is left behind but ${kept.join(' and ')}.`,
    );
  } finally {
    await undoAll(dialogue);
    if (!isSaved) showAnswers(answers, given, dialogue);
  }
}

/** Shows the command that continues with the answers so far, if the user was asked for more than the host. */
function showAnswers(answers: Answers, given: GivenAnswers, { terminal, given: options }: Dialogue): void {
  const { destination, job, install, ...others } = answers;
  const { directory, environment, name } = others;
  const isAsked =
    Object.keys(job ?? {}).length > 0 ||
    Object.entries(others).some(([key, answer]) => answer !== given[key as keyof GivenAnswers]);
  if (destination === undefined || !isAsked) return;
  const entry = { ...options, ...job, destination, directory, environment };
  const [program, , ...words] = startCommand(makeSpec(name ?? defaultName(destination), entry));
  const more = install ? ['--install', ...(install.requirements ? ['--requirements'] : [])] : [];
  terminal.show(`To continue with your answers: ${commandLine([program, 'init', ...words, ...more])}`);
}

/** Asks the optional questions. The saved server stays, even after an interrupt. */
async function finish(saved: Saved, file: string, args: Arguments, dialogue: Dialogue): Promise<number> {
  const { show, style } = dialogue.terminal;
  const { name } = saved.record.spec;
  const start = `remote-notebook start${saved.isDefault ? '' : ` ${name}`}`;
  let isRunning = saved.joined;
  try {
    isRunning ||= await leavesRunning(saved.record, args.browser && !args.json, dialogue);
    await offerAliases(dialogue);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    const next = isRunning ? `To open it: remote-notebook open ${name}` : `To start it: ${start}`;
    const state = isRunning ? 'is still running' : 'is stopped';
    throw new Interrupted(`Interrupted; ${name} ${state}, and saved in ${file}.\n${next}`);
  }
  if (isRunning) await openStarted(saved, args, dialogue.terminal, { saved: file });
  show(
    isRunning ? style.dim(`Next time: ${start}`) : `${style.bold(name)} is stopped. To start it: ${start}`,
  );
  return 0;
}

/** Asks whether to leave the server running, and stops it without a yes. */
async function leavesRunning(
  record: Tried['record'],
  opensBrowser: boolean,
  { terminal, ask }: Dialogue,
): Promise<boolean> {
  let isWanted = false;
  try {
    isWanted = await ask(yesOrNo(`Leave it running${opensBrowser ? ', and open it' : ''}?`, true));
    return isWanted;
  } finally {
    if (!isWanted) await stopServer(record.spec, undefined, uninterrupted(terminal.context));
  }
}

async function offerAliases({ terminal, ask }: Dialogue): Promise<void> {
  const shell = shellOf(terminal.context.env);
  if (shell === undefined) return;
  const names = 'port_forward, remote_notebook_start, remote_notebook_stop';
  if (await ask(yesOrNo(`Install aliases for ${shell} (${names})?`, false)))
    await installConfigured(shell, terminal);
}
