import { articleLog, articleRecord } from '../article/store.ts';
import { lastServer } from '../config/resolve.ts';
import { printLog } from '../lifecycle/logs.ts';
import { CONFIG_FILE, defineVerb, flag, invalidNumber, SERVER_OR_RUN } from '../line/verb.ts';
import { startCommand } from '../model/server-spec.ts';
import { followRun, printRunLog } from '../runs/log.ts';
import { hostOfRun, type NamedRun } from '../runs/place.ts';
import { cellsOf, reasons } from '../screen/run-lines.ts';
import { RunProgress } from '../screen/run-progress.ts';
import type { Terminal } from '../screen/terminal.ts';
import { commandLine } from '../system/command.ts';
import { Failure, UsageError } from '../system/errors.ts';
import { runNamed } from './runs.ts';

/** More than any log has, and accepted by every `tail`. */
const MAX_LINES = 1_000_000_000;

export const logs = defineVerb({
  usage: 'logs [server]',
  summary: 'Print the log of a server, or what the cells of a run print',
  positionals: SERVER_OR_RUN,
  options: {
    ...CONFIG_FILE,
    follow: flag('keep printing new lines until the server or the run ends', 'f'),
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
    ['$0 logs train-3 -f', 'watch what the cells of a run print'],
    ['$0 logs gpu -n 500 > gpu.log', 'save the last 500 lines in a file'],
  ],
  async run(args, terminal) {
    const { context } = terminal;
    if (!Number.isInteger(args.lines) || args.lines < 1 || args.lines > MAX_LINES)
      throw invalidNumber('lines', args.lines, `a whole number from 1 to ${MAX_LINES}`);
    const run = await runNamed(args.server, args.sshConfig, context);
    if (run) return logRun(args.server ?? '', run, args, terminal);
    const { spec, record } = await lastServer(args.server, args.sshConfig, context, true);
    const { name, destination } = spec;
    if (articleRecord(name, context))
      throw new UsageError(`"${name}" was started with --plain; its log is ${articleLog(spec, context)}`);
    if (record?.jupyter?.adopted)
      throw new Failure(`the log of "${name}" is unknown, because another program started the server`);
    if (await printLog(spec, record, args, terminal.print, context)) return 0;
    throw new Failure(`"${name}" is not running on ${destination}, and there is no log of an earlier run`, {
      remedy: `Start it: ${commandLine(startCommand(spec))}`,
    });
  },
});

/** Prints what the cells of a run print. */
async function logRun(
  reference: string,
  { name, place }: NamedRun,
  { lines, follow }: { lines: number; follow: boolean },
  terminal: Terminal,
): Promise<number> {
  const { context, show, style } = terminal;
  const host = hostOfRun(place);
  const progress = new RunProgress(terminal);
  const status = await (follow
    ? followRun(name, host, String(lines), progress, context)
    : printRunLog(name, host, lines, progress.print, context)
  ).finally(() => progress.end());
  show(style.dim(`${name}: ${status.state}, ${cellsOf(status)}`));
  for (const line of reasons(status, reference)) show(style.dim(`  ${line}`));
  return 0;
}
