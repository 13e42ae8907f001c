import { CONFIG_FILE, defineVerb, flag, SERVER } from '../line/verb.ts';
import { Failure, UsageError } from '../system/errors.ts';

/** More than any log has, and what every `tail` takes. */
const MAX_LINES = 1_000_000_000;

export const logs = defineVerb({
  usage: 'logs [server]',
  summary: "Print Jupyter's log from the host",
  positionals: SERVER,
  options: {
    ...CONFIG_FILE,
    follow: flag('go on until the server ends', 'f'),
    lines: {
      alias: 'n',
      type: 'number',
      default: 50,
      describe: 'how many of the last lines (default: 50)',
      requiresArg: true,
    },
  },
  examples: [
    ['$0 logs gpu -f', 'watch it'],
    ['$0 logs gpu -n 500 > gpu.log', 'keep the last 500 lines'],
  ],
  async run(args, terminal) {
    const { context } = terminal;
    if (!Number.isInteger(args.lines) || args.lines < 1 || args.lines > MAX_LINES) {
      const given = Number.isNaN(args.lines) ? 'not a number' : args.lines;
      throw new UsageError(`--lines is ${given}: it is a whole number from 1 to ${MAX_LINES}`);
    }
    const { knownServer } = await import('../config/resolve.ts');
    const { spec, record } = await knownServer(args.server, args.sshConfig, context);
    const { articleLog, articleRecord } = await import('../article/store.ts');
    if (articleRecord(spec.name, context))
      throw new UsageError(
        `"${spec.name}" was started with --plain; its log is ${articleLog(spec, context)}`,
      );
    if (record?.jupyter?.adopted)
      throw new Failure(`"${spec.name}" was started by something else, which alone knows where its log is`);
    const { printLog } = await import('../lifecycle/logs.ts');
    const found = await printLog(spec, record, args, terminal.print, context);
    if (!found) {
      throw new Failure(`"${spec.name}" does not run on ${spec.destination}, and has no log there`, {
        remedy: `A stop takes the log with it. Start it anew: remote-notebook start ${spec.name}`,
      });
    }
    return 0;
  },
});
