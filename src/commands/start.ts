import type { Started } from '../lifecycle/start.ts';
import { SERVER_OPTIONS } from '../line/server-options.ts';
import { DRY_RUN, defineVerb, destinationOr, flag } from '../line/verb.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Terminal } from '../screen/terminal.ts';
import { commandLine } from '../system/command.ts';
import { ADOPT, adoptNamed } from './adopt.ts';
import { BROWSER, TIMEOUT, verifyTimeout } from './start-options.ts';

export const start = defineVerb({
  usage: 'start [server]',
  summary: 'Start a server on its host, or connect to it, and open it here',
  positionals: destinationOr('a destination of ssh (an alias, user@host, ssh://user@host:port) or a name'),
  options: {
    ...SERVER_OPTIONS,
    ...BROWSER,
    ...TIMEOUT,
    adopt: { ...ADOPT.adopt, group: 'Where:' },
    save: { type: 'string', describe: 'keep these settings in config.yaml under a name', requiresArg: true },
    plain: flag("run the article's own commands, to the letter"),
    ...DRY_RUN,
  },
  examples: [
    ['$0 start user@host', 'Jupyter in the home folder of host'],
    [
      '$0 start gpu -d rne -e virtual_environment',
      'in a directory and a venv on the Host gpu of ~/.ssh/config',
    ],
    ['$0 start gpu --adopt 8888', 'joins one that runs, whoever started it: see status --all'],
    ['$0 start gpu -d rne --save work', 'from now on: remote-notebook start work'],
  ],
  async run(args, terminal) {
    const { context } = terminal;
    const timeoutMs = verifyTimeout(args.timeout);
    if (args.adopt !== undefined)
      return openStarted(await adoptNamed(args.adopt, args, terminal), args, terminal);
    const { resolveServer } = await import('../config/resolve.ts');
    const { verifyNotArticle } = await import('../article/store.ts');
    const given = { ...args, name: args.save ?? args.name };
    const spec = await resolveServer(args.server, given, context);
    if (args.dryRun) return dryRun(spec, { ...args, timeoutMs }, terminal);
    if (!args.plain) verifyNotArticle(spec.name, context);
    if (args.save !== undefined) await save(spec, args.save, terminal);
    if (args.plain) return startPlainly(spec, timeoutMs, terminal);
    const { startServer } = await import('../lifecycle/start.ts');
    const { withNearestName } = await import('../config/names.ts');
    const started = await startServer(spec, { kind: 'start', timeoutMs }, context).catch(async (failure) => {
      throw await withNearestName(failure, spec, context.env);
    });
    return openStarted(started, args, terminal);
  },
});

/**
 * Opens the page of a server that runs, and says what runs where.
 * @param more what its JSON says besides
 */
export async function openStarted(
  { record, joined }: Started,
  args: { browser: boolean; json: boolean },
  terminal: Terminal,
  more: object = {},
): Promise<number> {
  const { print, result, show, style, context } = terminal;
  const phases = terminal.phases();
  if (args.json) {
    const { describeStarted } = await import('../lifecycle/status.ts');
    const status = await describeStarted(record, context);
    await result({ ...status, joined, phases, ...more });
    return 0;
  }
  const { openPage, secretUrl } = await import('../lifecycle/open.ts');
  const opened = args.browser && (await openPage(record, context));
  const { spec, jupyter: server } = record;
  show(
    `\n${style.bold(spec.name)} ${joined ? 'was running' : 'runs'} on ${spec.destination} in ${server.directory} (${server.command} ${server.version ?? ''}).`,
  );
  show(opened ? 'It opens in your browser; the URL is:' : 'Open it in your browser:');
  print(secretUrl(record));
  const whose = server.adopted ? 'Something else has started it. ' : '';
  show(style.dim(`${whose}Stop it: remote-notebook stop ${spec.name}`));
  return 0;
}

async function save(spec: ServerSpec, name: string, terminal: Terminal): Promise<void> {
  const { saveServer } = await import('../config/file.ts');
  const { connectionOf } = await import('../tunnel/tunnel.ts');
  const { ensurePrivateFolder, verifyWritable } = await import('../system/files.ts');
  const { configurationFile, stateFolder } = await import('../system/paths.ts');
  const file = configurationFile(terminal.context.env);
  // Either all that a start writes to can be written, or nothing is changed.
  connectionOf(spec, terminal.context.env);
  verifyWritable(file);
  ensurePrivateFolder(stateFolder(terminal.context.env));
  await saveServer(file, name, spec);
  terminal.context.report.note(`saved as "${name}" in ${file}`);
}

async function startPlainly(spec: ServerSpec, timeoutMs: number, terminal: Terminal): Promise<number> {
  const { startPlain } = await import('../article/article.ts');
  terminal.print(await startPlain(spec, timeoutMs, terminal.context));
  terminal.show(`Stop it: remote-notebook stop --plain ${spec.name}`);
  return 0;
}

async function dryRun(
  spec: ServerSpec,
  options: { plain: boolean; timeoutMs: number; verbose: boolean },
  { print, context }: Terminal,
): Promise<number> {
  const { plannedCommands } = await import('../lifecycle/dry-run.ts');
  const { plainStartCommand, plainTunnelCommand } = await import('../article/commands.ts');
  const lines = options.plain
    ? [plainStartCommand(spec), plainTunnelCommand(spec)].map(commandLine)
    : plannedCommands(spec, options, context.env);
  print(...lines);
  return 0;
}
