import { articleLog, articleRecord } from '../article/store.ts';
import { knownServer } from '../config/resolve.ts';
import { printLog } from '../lifecycle/logs.ts';
import { CONFIG_FILE, defineVerb, flag, invalidNumber, SERVER } from '../line/verb.ts';
import { Failure, UsageError } from '../system/errors.ts';

/** More than any log has, and accepted by every `tail`. */
const MAX_LINES = 1_000_000_000;

export const logs = defineVerb({
  usage: 'logs [server]',
  summary: "Print Jupyter's log from the host",
  positionals: SERVER,
  options: {
    ...CONFIG_FILE,
    follow: flag('keep printing new lines until the server ends', 'f'),
    lines: {
      alias: 'n',
      type: 'number',
      default: 50,
      describe: 'number of lines to print from the end of the log (default: 50)',
      requiresArg: true,
    },
  },
  examples: [
    ['$0 logs gpu -f', 'watch the log'],
    ['$0 logs gpu -n 500 > gpu.log', 'save the last 500 lines in a file'],
  ],
  async run(args, terminal) {
    const { context } = terminal;
    if (!Number.isInteger(args.lines) || args.lines < 1 || args.lines > MAX_LINES)
      throw invalidNumber('lines', args.lines, `a whole number from 1 to ${MAX_LINES}`);
    const { spec, record } = await knownServer(args.server, args.sshConfig, context);
    const { name, destination } = spec;
    if (articleRecord(name, context))
      throw new UsageError(`"${name}" was started with --plain; its log is ${articleLog(spec, context)}`);
    if (record?.jupyter?.adopted)
      throw new Failure(`the log of "${name}" is unknown, because another program started the server`);
    if (await printLog(spec, record, args, terminal.print, context)) return 0;
    throw new Failure(`"${name}" is not running on ${destination}, and has no log there`, {
      remedy: `Stopping a server deletes its log. Start it again: remote-notebook start ${name}`,
    });
  },
});
