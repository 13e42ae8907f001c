import { Interrupted, UsageError } from '../system/errors.ts';
import type { Dialogue, Tried } from './init-dialogue.ts';
import { NOTEBOOK_OPTIONS, settingsFrom } from './notebook-options.ts';
import { takeDefault, yesOrNo } from './questions.ts';
import { TIMEOUT, verifyTimeout } from './start-timeout.ts';
import { defineVerb } from './verb.ts';

export const init = defineVerb({
  usage: 'init [notebook]',
  summary: 'The first time: ask where, try it, and write it down when it works',
  positionals: {
    notebook: {
      describe: 'a destination of ssh (an alias, user@host, ssh://user@host:port); asked for without',
      type: 'string',
      completes: 'destinations',
    },
  },
  options: {
    ...NOTEBOOK_OPTIONS,
    open: {
      type: 'boolean',
      default: true,
      describe: 'open the browser in the end (--no-open: only print the URL)',
    },
    ...TIMEOUT,
    yes: { alias: 'y', type: 'boolean', default: false, describe: 'ask nothing, and take each default' },
  },
  examples: [
    ['$0 init', 'asks for all that it needs; each question has a default'],
    ['$0 init gpu -d rne -e .venv', 'asks for the rest'],
    ['$0 init gpu -d rne --yes', 'asks nothing'],
  ],
  async run(args, terminal) {
    verifyTimeout(args.timeout);
    if (!args.yes && (args.json || !terminal.canAsk)) throw cannotAsk(args.json);
    const { readConfiguration } = await import('../notebook/configuration.ts');
    const { makeNotebook } = await import('../notebook/notebook.ts');
    const { ensurePrivateFolder, verifyWritable } = await import('../system/files.ts');
    const { configurationFile, stateFolder } = await import('../system/paths.ts');
    const { Begun, tryOut } = await import('./init-dialogue.ts');
    const { env } = terminal.context;
    // What would fail in the end fails before the first question.
    const file = configurationFile(env);
    const { notebooks: configured } = await readConfiguration(file);
    verifyWritable(file);
    ensurePrivateFolder(stateFolder(env));
    const begun = new Begun(terminal.context.report.note);
    const ask = args.yes ? takeDefault : terminal.ask;
    const dialogue = { terminal, ask, isAsking: !args.yes, configFile: args.F, configured, begun };
    const { directory, environment, ...given } = settingsFrom(args);
    const said = { destination: args.notebook, directory, environment, name: args.name };
    makeNotebook(
      args.name ?? 'init',
      { ...settingsFrom(args), destination: args.notebook ?? 'init' },
      args.F,
    );
    if (!args.yes)
      terminal.say('What stands in brackets is the default. Nothing is kept before it has worked.\n');
    try {
      const tried = await tryOut(given, said, args.timeout * 1000, dialogue);
      if (tried) return await keep(tried, file, args, dialogue);
      await begun.undo();
      terminal.say('Nothing is kept.');
      return 1;
    } catch (error) {
      await begun.undo();
      throw error instanceof Interrupted ? new Interrupted('Interrupted; nothing is left behind.') : error;
    }
  },
});

function cannotAsk(json: boolean): UsageError {
  const why = json ? '--json leaves no room for questions' : 'there is no terminal to ask on';
  return new UsageError(`init asks, and ${why}`, {
    remedy:
      'Say what it would ask, and --yes: remote-notebook init user@host --directory DIR --environment VENV --name NAME --yes',
  });
}

/** Asks what is left to ask, then keeps it all: no answer is acted on before the last one is there. */
async function keep(
  { record, joined, settings }: Tried,
  file: string,
  args: { open: boolean; json: boolean; F?: string | undefined },
  { terminal, ask, configured, begun }: Dialogue,
): Promise<number> {
  const { context, style } = terminal;
  const phases = terminal.phases();
  const { name, destination } = record.notebook;
  terminal.say(
    `\n${style.bold(name)} works: ${record.server.command} in ${record.server.directory} on ${destination}.`,
  );
  const wantsBrowser = args.open && !args.json;
  const goesOn =
    joined || (await ask(yesOrNo(`Leave it running${wantsBrowser ? ', and open it' : ''}?`, true)));
  const { shellOf } = await import('../notebook/start-up-file.ts');
  const shell = shellOf(context.env);
  const wantsAliases =
    shell !== undefined &&
    (await ask(
      yesOrNo(`Aliases for ${shell}: port_forward, remote_notebook_start, remote_notebook_stop?`, false),
    ));
  const { saveNotebook } = await import('../notebook/configuration.ts');
  const isOnly = Object.keys(configured).every((known) => known === name);
  await saveNotebook(file, name, { ...settings, 'ssh-config': record.notebook.configFile }, isOnly);
  begun.keep();
  terminal.say(`Written to ${file}${isOnly ? ', as the default' : ''}.`);
  if (wantsAliases) {
    const { installConfigured } = await import('./aliases.ts');
    await installConfigured(shell, terminal);
  }
  if (!goesOn) {
    const { stopNotebook } = await import('../notebook/stop.ts');
    await stopNotebook({ notebook: record.notebook, record }, undefined, context);
    terminal.say(`${style.bold(name)} is stopped. From now on: ${startLine(name, isOnly)}`);
    return 0;
  }
  if (args.json) {
    const { describeStarted } = await import('../notebook/status.ts');
    const status = await describeStarted(record, context);
    terminal.print(JSON.stringify({ ...status, joined, phases, saved: file }, undefined, 2));
    return 0;
  }
  const { openPage } = await import('../notebook/open.ts');
  const { tellStarted } = await import('./start.ts');
  await tellStarted(record, joined, wantsBrowser && (await openPage(record, context)), terminal);
  terminal.say(style.dim(`The next time: ${startLine(name, isOnly)}`));
  return 0;
}

function startLine(name: string, isOnly: boolean): string {
  return `remote-notebook start${isOnly ? '' : ` ${name}`}`;
}
