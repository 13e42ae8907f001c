import { startPlain } from '../article/article.ts';
import { plainStartCommand, plainTunnelCommand } from '../article/commands.ts';
import { verifyNotArticle } from '../article/store.ts';
import { saveServer } from '../config/file.ts';
import { withNearestName } from '../config/names.ts';
import { resolveServer } from '../config/resolve.ts';
import { plannedCommands } from '../lifecycle/dry-run.ts';
import { openPage, secretUrl } from '../lifecycle/open.ts';
import { type Started, startServer } from '../lifecycle/start.ts';
import { describeStarted } from '../lifecycle/status.ts';
import { SERVER_OPTIONS } from '../line/server-options.ts';
import { defineVerb, destinationOr, flag } from '../line/verb.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Terminal } from '../screen/terminal.ts';
import { commandLine } from '../system/command.ts';
import { ensurePrivateFolder, verifyWritable } from '../system/files.ts';
import { configurationFile, stateFolder } from '../system/paths.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { ADOPT, adoptNamed } from './adopt.ts';
import { BROWSER, TIMEOUT, verifyTimeout } from './start-options.ts';

export const start = defineVerb({
  usage: 'start [server]',
  summary: 'Start a server on its host, or connect to it, and open it here',
  positionals: destinationOr(
    'ssh destination (an alias, user@host, ssh://user@host:port) or the name of a server',
  ),
  options: {
    ...SERVER_OPTIONS,
    ...BROWSER,
    ...TIMEOUT,
    adopt: { ...ADOPT.adopt, group: 'Where:' },
    save: {
      type: 'string',
      describe: 'save these settings in config.yaml under this name',
      requiresArg: true,
    },
    plain: flag('use the three commands of the article instead (see docs/article.md)'),
    'dry-run': flag('print the commands without running them'),
  },
  examples: [
    ['$0 start user@host', 'start Jupyter in your home directory on host'],
    [
      '$0 start gpu -d rne -e virtual_environment',
      'start it in a directory, with the virtual environment there',
    ],
    ['$0 start gpu --adopt 8888', 'connect to a Jupyter server that is already running'],
    ['$0 start gpu -d rne --save work', 'save the settings; from then on: remote-notebook start work'],
  ],
  async run(args, terminal) {
    const { print, show, context } = terminal;
    const timeoutMs = verifyTimeout(args.timeout);
    if (args.adopt !== undefined)
      return openStarted(await adoptNamed(args.adopt, args, terminal), args, terminal);
    const spec = await resolveServer(args.server, { ...args, name: args.save ?? args.name }, context);
    if (args.dryRun) {
      const plain = [plainStartCommand, plainTunnelCommand];
      print(
        ...(args.plain
          ? plain.map((command) => commandLine(command(spec)))
          : plannedCommands(spec, { ...args, timeoutMs }, context.env)),
      );
      return 0;
    }
    if (!args.plain) verifyNotArticle(spec.name, context);
    if (args.save !== undefined) await save(spec, args.save, terminal);
    if (args.plain) {
      print(await startPlain(spec, timeoutMs, context));
      show(`Stop it: remote-notebook stop --plain ${spec.name}`);
      return 0;
    }
    const started = await startServer(spec, { kind: 'start', timeoutMs }, context).catch(async (failure) => {
      throw await withNearestName(failure, spec, context.env);
    });
    return openStarted(started, args, terminal);
  },
});

/**
 * Opens the page of a server that was started, and shows what is running where.
 * @param more additional fields of its JSON
 */
export async function openStarted(
  { record, joined }: Started,
  args: { browser: boolean; json: boolean },
  { phases: endPhases, print, result, show, style, context }: Terminal,
  more: object = {},
): Promise<number> {
  const phases = endPhases();
  if (args.json) {
    await result({ ...(await describeStarted(record, context)), joined, phases, ...more });
    return 0;
  }
  const opened = args.browser && (await openPage(record, context));
  const { spec, jupyter: server } = record;
  const where = `on ${spec.destination} in ${server.directory} (${server.command} ${server.version ?? ''})`;
  show(`\n${style.bold(spec.name)} ${joined ? 'was already' : 'is'} running ${where}.`);
  show(opened ? 'It opens in your browser. Its URL:' : 'Open it in your browser:');
  print(secretUrl(record));
  const whose = server.adopted ? 'Another program started it. ' : '';
  show(style.dim(`${whose}Stop it: remote-notebook stop ${spec.name}`));
  return 0;
}

async function save(spec: ServerSpec, name: string, { context }: Terminal): Promise<void> {
  const file = configurationFile(context.env);
  // Nothing is changed unless all files of the start can be written.
  connectionOf(spec, context.env);
  verifyWritable(file);
  ensurePrivateFolder(stateFolder(context.env));
  await saveServer(file, name, spec);
  context.report.note(`saved as "${name}" in ${file}`);
}
