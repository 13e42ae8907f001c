import { SERVER_OPTIONS } from '../../line/server-options.ts';
import { defineVerb, destinationOr, flag } from '../../line/verb.ts';
import { takeDefault, yesOrNo } from '../../screen/questions.ts';
import { uninterrupted } from '../../system/context.ts';
import { Interrupted, UsageError } from '../../system/errors.ts';
import { BROWSER, TIMEOUT, verifyTimeout } from '../start-options.ts';
import type { Answers } from './answers.ts';
import type { Dialogue } from './dialogue.ts';
import type { Tried } from './try-out.ts';

export const init = defineVerb({
  usage: 'init [server]',
  summary: 'Set up a server: answer a few questions, test it, save it',
  positionals: destinationOr(
    'a destination of ssh (an alias, user@host, ssh://user@host:port); asked for without',
  ),
  options: {
    ...SERVER_OPTIONS,
    ...BROWSER,
    ...TIMEOUT,
    yes: flag('ask nothing, and take each default', 'y'),
  },
  examples: [
    ['$0 init', 'asks for all that it needs; each question has a default'],
    ['$0 init gpu -d rne -e .venv', 'asks for the rest'],
    ['$0 init gpu -d rne --yes', 'asks nothing'],
  ],
  async run(args, terminal) {
    const timeoutMs = verifyTimeout(args.timeout);
    if (!args.yes && (args.json || !terminal.canAsk)) throw cannotAsk(args.json);
    const { readConfiguration } = await import('../../config/file.ts');
    const { makeSpec } = await import('../../model/server-spec.ts');
    const { ensurePrivateFolder, verifyWritable } = await import('../../system/files.ts');
    const { configurationFile, stateFolder } = await import('../../system/paths.ts');
    const { env } = terminal.context;
    const { server: destination, directory, environment, name } = args;
    // What would fail in the end fails before the first question.
    const file = configurationFile(env);
    const { servers: configured } = await readConfiguration(file);
    verifyWritable(file);
    ensurePrivateFolder(stateFolder(env));
    makeSpec(name ?? 'init', { ...args, destination: destination ?? 'init' });
    const dialogue = {
      terminal,
      ask: args.yes ? takeDefault : terminal.ask,
      isAsking: !args.yes,
      given: args,
      configured,
      undoings: [],
    };
    if (!args.yes)
      terminal.show('What stands in brackets is the default. Nothing is kept before it has worked.\n');
    const said = { destination, directory, environment, name };
    const written = await tryAndWrite(said, timeoutMs, file, dialogue);
    if (written) return goOn(written, file, args, dialogue);
    terminal.show('Nothing is kept.');
    return 1;
  },
});

function cannotAsk(json: boolean): UsageError {
  const why = json ? '--json leaves no room for questions' : 'there is no terminal to ask on';
  return new UsageError(`init asks, and ${why}`, {
    remedy:
      'Say what it would ask, and --yes: remote-notebook init user@host --directory DIR --environment VENV --name NAME --yes',
  });
}

/** What works, and is written down. */
interface Written extends Tried {
  /** Whether `start` alone means it from now on. */
  readonly isDefault: boolean;
}

/** Asks and tries until it works, and writes that down at once. Undefined when the user gives up. Else nothing is left. */
async function tryAndWrite(
  said: Answers,
  timeoutMs: number,
  file: string,
  dialogue: Dialogue,
): Promise<Written | undefined> {
  const { terminal, configured, undoings } = dialogue;
  const { saveServer } = await import('../../config/file.ts');
  const { undoAll } = await import('./dialogue.ts');
  const { tryOut } = await import('./try-out.ts');
  try {
    const tried = await tryOut(said, timeoutMs, dialogue);
    if (!tried) return undefined;
    const { spec, jupyter: server } = tried.record;
    const { name, destination, sshConfig } = spec;
    terminal.show(
      `\n${terminal.style.bold(name)} works: ${server.command} in ${server.directory} on ${destination}.`,
    );
    const isDefault = Object.keys(configured).every((known) => known === name);
    await saveServer(file, name, { ...tried.entry, sshConfig }, isDefault);
    undoings.length = 0;
    terminal.show(`Written to ${file}${isDefault ? ', as the default' : ''}.`);
    return { ...tried, isDefault };
  } catch (error) {
    throw error instanceof Interrupted ? new Interrupted('Interrupted; nothing is left behind.') : error;
  } finally {
    await undoAll(dialogue);
  }
}

/** Asks what is optional, and acts on each answer at once: what is written stays, also after an interrupt. */
async function goOn(
  written: Written,
  file: string,
  args: { browser: boolean; json: boolean },
  dialogue: Dialogue,
): Promise<number> {
  const { show, style } = dialogue.terminal;
  const { name } = written.record.spec;
  const next = `remote-notebook start${written.isDefault ? '' : ` ${name}`}`;
  let runs = written.joined;
  try {
    runs ||= await leavesRunning(written.record, args.browser && !args.json, dialogue);
    await offerAliases(dialogue);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    const how = runs ? `Open it: remote-notebook open ${name}` : `The next time: ${next}`;
    throw new Interrupted(
      `Interrupted; ${name} ${runs ? 'runs on' : 'is stopped'}, and stays in ${file}.\n${how}`,
    );
  }
  if (runs) {
    const { openStarted } = await import('../start.ts');
    await openStarted(written, args, dialogue.terminal, { saved: file });
  }
  show(runs ? style.dim(`The next time: ${next}`) : `${style.bold(name)} is stopped. From now on: ${next}`);
  return 0;
}

/** Whether it is to run on. Without a yes it is stopped. */
async function leavesRunning(
  record: Tried['record'],
  wantsBrowser: boolean,
  { terminal, ask }: Dialogue,
): Promise<boolean> {
  const { stopServer } = await import('../../lifecycle/stop.ts');
  let isWanted = false;
  try {
    isWanted = await ask(yesOrNo(`Leave it running${wantsBrowser ? ', and open it' : ''}?`, true));
    return isWanted;
  } finally {
    const { context } = terminal;
    if (!isWanted) await stopServer(record.spec, undefined, uninterrupted(context));
  }
}

async function offerAliases({ terminal, ask }: Dialogue): Promise<void> {
  const { shellOf } = await import('../../shell/start-up-file.ts');
  const shell = shellOf(terminal.context.env);
  if (shell === undefined) return;
  const names = 'port_forward, remote_notebook_start, remote_notebook_stop';
  if (!(await ask(yesOrNo(`Aliases for ${shell}: ${names}?`, false)))) return;
  const { installConfigured } = await import('../aliases.ts');
  await installConfigured(shell, terminal);
}
