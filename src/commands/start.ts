import { startPlain } from '../article/article.ts';
import { plainStartCommand, plainTunnelCommand } from '../article/commands.ts';
import { verifyNotArticle } from '../article/store.ts';
import { saveServer, verifySavable } from '../config/file.ts';
import { withNearestName } from '../config/names.ts';
import { resolveServer } from '../config/resolve.ts';
import { describeKept } from '../jupyter/closed-page.ts';
import { documentParts } from '../jupyter/documents.ts';
import { plannedCommands } from '../lifecycle/dry-run.ts';
import { openPage, secretUrl, urlOf } from '../lifecycle/open.ts';
import { type Started, startServer } from '../lifecycle/start.ts';
import { submitServer } from '../lifecycle/starting/submit.ts';
import { describeStarted } from '../lifecycle/status.ts';
import { JOB_GROUP, SERVER_OPTIONS } from '../line/server-options.ts';
import { defineVerb, destinationOr, flag, verifyAlone } from '../line/verb.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { ServerStatus } from '../model/status.ts';
import type { Terminal } from '../screen/terminal.ts';
import { commandLine } from '../system/command.ts';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { ensurePrivateFolder } from '../system/files.ts';
import { configurationFile, stateFolder } from '../system/paths.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { ADOPT, adoptNamed } from './adopt.ts';
import { DOCUMENT, splitDocument } from './documents.ts';
import { keepJob } from './keep-job.ts';
import { BROWSER, INSTALL, requestedInstall, TIMEOUT, verifyTimeout } from './start-options.ts';

export const start = defineVerb({
  usage: 'start [server] [document]',
  summary: 'Start a server on its host, or connect to it, and open it here',
  positionals: {
    ...destinationOr('ssh destination (an alias, user@host, ssh://user@host:port) or the name of a server'),
    ...DOCUMENT,
  },
  options: {
    ...SERVER_OPTIONS,
    ...BROWSER,
    ...TIMEOUT,
    ...INSTALL,
    wait: {
      type: 'boolean',
      default: true,
      describe: 'wait for the start of a batch job; --no-wait only submits it',
      group: JOB_GROUP,
    },
    adopt: { ...ADOPT.adopt, group: 'Where:' },
    save: {
      type: 'string',
      describe: 'save these settings in config.yaml under this name',
      requiresArg: true,
    },
    plain: flag('run the three plain ssh commands of an article instead (see docs/article.md)'),
    'dry-run': flag('print the commands without running them'),
  },
  examples: [
    ['$0 start user@host', 'start Jupyter in your home directory on host'],
    [
      '$0 start gpu -d rne -e virtual_environment',
      'start it in a directory, with the virtual environment there',
    ],
    ['$0 start gpu -d rne plots/first.ipynb', 'start it, and open a notebook in that directory'],
    [
      '$0 start login --launcher slurm --time 4h --gpus 1',
      'start it in a batch job of a cluster, through its login node',
    ],
    ['$0 start gpu -d rne --install', 'install Jupyter there first, in rne/.venv, if it is missing'],
    ['$0 start gpu --adopt 8888', 'connect to a Jupyter server that is already running'],
    ['$0 start gpu -d rne --save work', 'save the settings; from then on: remote-notebook start work'],
  ],
  async run(args, terminal) {
    const { print, show, context } = terminal;
    const timeoutMs = verifyTimeout(args.timeout);
    const [server, document] = splitDocument(args.server, args.document);
    if (document !== undefined) verifyDocument(document, args.plain);
    const opening = { ...args, server, document };
    if (args.adopt !== undefined)
      return openStarted(await adoptNamed(args.adopt, opening, terminal), opening, terminal);
    const spec = await resolveServer(server, { ...args, name: args.save ?? args.name }, context);
    const install = requestedInstall(args, spec);
    if (install) verifyAlone('--install', [args.plain && '--plain']);
    if (args.dryRun) {
      const plain = [plainStartCommand, plainTunnelCommand];
      print(
        ...(args.plain
          ? plain.map((command) => commandLine(command(spec)))
          : await plannedCommands(spec, { verbose: args.verbose, timeoutMs, install }, context.env)),
      );
      return 0;
    }
    if (!args.plain) verifyNotArticle(spec.name, context);
    if (args.save !== undefined) await verifyFiles(spec, args.save, context);
    if (args.plain) {
      const page = await startPlain(spec, timeoutMs, context);
      if (args.save !== undefined) await save(spec, args.save, terminal);
      print(page);
      show(`Stop it: remote-notebook stop --plain ${spec.name}`);
      return 0;
    }
    const obtained = args.wait
      ? startServer(spec, { kind: 'start', timeoutMs, install, keepJob: keepJob(terminal) }, context)
      : submitServer(spec, { timeoutMs, install }, context);
    const started = await obtained.catch(async (failure) => {
      throw await withNearestName(failure, spec, context.env);
    });
    if (args.save !== undefined) await save(spec, args.save, terminal);
    return 'record' in started ? openStarted(started, opening, terminal) : showSubmitted(started, terminal);
  },
});

async function showSubmitted(status: ServerStatus, terminal: Terminal): Promise<number> {
  const { name, job } = status;
  const phases = terminal.phases();
  await terminal.result({ ...status, phases });
  terminal.show(
    `${terminal.style.bold(name)} is in the queue (job ${job?.id}${job?.reason ? `, ${job.reason}` : ''}).`,
  );
  terminal.show(`Connect to it: remote-notebook start ${name}. Cancel it: remote-notebook stop ${name}`);
  return 0;
}

/** @throws UsageError for what cannot be a document, before anything is started */
function verifyDocument(document: string, isPlain: boolean): void {
  verifyAlone('--plain', [isPlain && 'a document']);
  documentParts(document, undefined);
  // A directory or an environment without its option would be noticed only after the start.
  if (/\.[^/.]+$/.test(document)) return;
  throw new UsageError(`unexpected argument "${document}"`, {
    remedy: "A document's name has an ending, such as .ipynb. To set the directory: --directory",
  });
}

/**
 * Opens the page of a server that was started, and shows what is running where.
 * @param more additional fields of its JSON
 */
export async function openStarted(
  started: Started,
  args: { browser: boolean; json: boolean; document?: string | undefined },
  { phases: endPhases, print, result, show, style, context }: Terminal,
  more: object = {},
): Promise<number> {
  const { record, joined, kernel, keepsOutput } = started;
  const phases = endPhases();
  const url = await urlOf(record, args.document, context);
  if (args.json) {
    await result({ ...(await describeStarted(started, context)), url, joined, phases, ...more });
    return 0;
  }
  const opened = args.browser && (await openPage(url, record, context));
  const { spec, jupyter: server } = record;
  const where = `on ${spec.destination} in ${server.directory} (${server.command} ${server.version ?? ''})`;
  show(`\n${style.bold(spec.name)} ${joined ? 'was already' : 'is'} running ${where}.`);
  if (kernel?.python) show(`Cells run in ${kernel.python}.`);
  if (keepsOutput) show(describeKept(server.adopted));
  show(opened ? 'It opens in your browser. Its URL:' : 'Open it in your browser:');
  print(secretUrl(url, record));
  const whose = server.adopted ? 'Another program started it. ' : '';
  show(style.dim(`${whose}Stop it: remote-notebook stop ${spec.name}`));
  return 0;
}

/** Verifies that all files of the start can be written. @throws Failure; nothing is changed then */
async function verifyFiles(spec: ServerSpec, name: string, { env }: Context): Promise<void> {
  connectionOf(spec, env);
  await verifySavable(configurationFile(env), name, spec);
  ensurePrivateFolder(stateFolder(env));
}

async function save(spec: ServerSpec, name: string, { context }: Terminal): Promise<void> {
  const file = configurationFile(context.env);
  await saveServer(file, name, spec);
  context.report.note(`saved as "${name}" in ${file}`);
}
