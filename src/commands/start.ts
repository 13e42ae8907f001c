import type { Notebook } from '../notebook/notebook.ts';
import { settingsFrom } from '../notebook/settings.ts';
import type { Started } from '../notebook/start.ts';
import { NOTEBOOK_OPTIONS, SERVER } from './notebook-options.ts';
import { TIMEOUT, verifyTimeout } from './start-timeout.ts';
import type { Terminal } from './terminal.ts';
import { DRY_RUN, defineVerb } from './verb.ts';

export const start = defineVerb({
  usage: 'start [notebook]',
  summary: 'Start a notebook on its host, or join it, and open it here',
  positionals: {
    notebook: {
      describe: 'a destination of ssh (an alias, user@host, ssh://user@host:port) or a name',
      type: 'string',
      completes: 'destinations',
    },
  },
  options: {
    ...NOTEBOOK_OPTIONS,
    open: {
      type: 'boolean',
      default: true,
      describe: 'whether to open the browser; with --no-open the URL is only printed',
    },
    ...TIMEOUT,
    ...SERVER,
    save: { type: 'string', describe: 'keep these settings in config.yaml under a name', requiresArg: true },
    plain: { type: 'boolean', default: false, describe: "run the article's own commands, to the letter" },
    ...DRY_RUN,
  },
  examples: [
    ['$0 start user@host', 'Jupyter in the home folder of host'],
    [
      '$0 start gpu -d rne -e virtual_environment',
      'in a directory and a venv on the Host gpu of ~/.ssh/config',
    ],
    ['$0 start gpu --server 8888', 'joins one that runs, whoever started it: see status --all'],
    ['$0 start gpu -d rne --save work', 'from now on: remote-notebook start work'],
  ],
  async run(args, terminal) {
    verifyTimeout(args.timeout);
    if (args.server !== undefined) {
      const { joinNamed } = await import('./join.ts');
      return openStarted(await joinNamed(args.server, args, terminal), args, terminal);
    }
    const { resolveNotebook } = await import('../notebook/resolve.ts');
    const flags = { ...settingsFrom(args), name: args.save ?? args.name };
    const notebook = await resolveNotebook(args.notebook, flags, args.F, terminal.context);
    if (args.dryRun) return dryRun(notebook, args.plain, args.timeout * 1000, args.verbose, terminal);
    if (args.save !== undefined) await save(notebook, args.save, terminal);
    if (args.plain) return startPlainly(notebook, args.timeout * 1000, terminal);
    return startAndOpen(notebook, args, terminal);
  },
});

async function startAndOpen(
  notebook: Notebook,
  args: { timeout: number; open: boolean; json: boolean },
  terminal: Terminal,
): Promise<number> {
  const { context } = terminal;
  const { startNotebook } = await import('../notebook/start.ts');
  const { withNearestName } = await import('../notebook/names.ts');
  const options = { mode: 'start', timeoutMs: args.timeout * 1000 } as const;
  const started = await startNotebook(notebook, options, context).catch(async (failure) => {
    throw await withNearestName(failure, notebook, context.env);
  });
  return openStarted(started, args, terminal);
}

async function openStarted(
  { record, joined }: Started,
  args: { open: boolean; json: boolean },
  terminal: Terminal,
): Promise<number> {
  const { context } = terminal;
  const phases = terminal.phases();
  const { openPage } = await import('../notebook/open.ts');
  const wantsBrowser = args.open && !args.json;
  const opened = wantsBrowser && (await openPage(record, context));
  if (args.json) {
    const { describeStarted } = await import('../notebook/status.ts');
    const status = await describeStarted(record, context);
    terminal.print(JSON.stringify({ ...status, joined, phases }, undefined, 2));
    return 0;
  }
  await tellStarted(record, joined, opened, terminal);
  return 0;
}

/** Says what runs where, and prints its URL. */
export async function tellStarted(
  record: Started['record'],
  joined: boolean,
  opened: boolean,
  terminal: Terminal,
): Promise<void> {
  const { secretUrl } = await import('../notebook/open.ts');
  const { style } = terminal;
  const { name, destination, foreign } = record.notebook;
  terminal.say(
    `\n${style.bold(name)} ${joined ? 'was running' : 'runs'} on ${destination} in ${record.server.directory} (${record.server.command} ${record.server.version ?? ''}).`,
  );
  terminal.say(opened ? 'It opens in your browser; the URL is:' : 'Open it in your browser:');
  terminal.print(secretUrl(record));
  const whose = foreign ? 'Something else has started it. ' : '';
  terminal.say(style.dim(`${whose}Stop it: remote-notebook stop ${name}`));
}

async function save(notebook: Notebook, name: string, terminal: Terminal): Promise<void> {
  const { saveNotebook } = await import('../notebook/configuration.ts');
  const { settingsOf } = await import('../notebook/resolve.ts');
  const { connectionOf } = await import('../notebook/tunnel.ts');
  const { ensurePrivateFolder, verifyWritable } = await import('../system/files.ts');
  const { configurationFile, stateFolder } = await import('../system/paths.ts');
  const file = configurationFile(terminal.context.env);
  // Either all that a start writes to can be written, or nothing is changed.
  connectionOf(notebook, terminal.context.env);
  verifyWritable(file);
  ensurePrivateFolder(stateFolder(terminal.context.env));
  await saveNotebook(file, name, settingsOf(notebook));
  terminal.context.report.note(`saved as "${name}" in ${file}`);
}

async function startPlainly(notebook: Notebook, timeoutMs: number, terminal: Terminal): Promise<number> {
  const { startPlain } = await import('../notebook/plain.ts');
  terminal.print(await startPlain(notebook, timeoutMs, terminal.context));
  terminal.say(`Stop it: remote-notebook stop --plain ${notebook.name}`);
  return 0;
}

async function dryRun(
  notebook: Notebook,
  plain: boolean,
  timeoutMs: number,
  verbose: boolean,
  terminal: Terminal,
): Promise<number> {
  const { plannedCommands } = await import('../notebook/plan.ts');
  for (const line of plannedCommands(notebook, { plain, timeoutMs, verbose }, terminal.context.env))
    terminal.print(line);
  return 0;
}
