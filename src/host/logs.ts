import { redactTokens } from '../jupyter/server.ts';
import type { JupyterRecord } from '../state/records.ts';
import type { Frame } from './protocol.ts';
import { askHost, type OnHost } from './run-script.ts';
import { recordVariables } from './server-record.ts';

/**
 * Prints the last lines of a server's log, without tokens; with `follow`, continues until the server ends. A server
 * that has ended keeps its log until the next start of that name.
 * `print` may return a promise, until which no more is read: so a log of any length takes little memory.
 * @param record undefined to search for the log on the host
 * @throws HostFailure when there is no log, or the server is on another machine
 */
export async function readLog(
  server: OnHost,
  record: JupyterRecord | undefined,
  options: { lines: number; follow: boolean },
  print: (line: string) => Promise<void> | void,
): Promise<void> {
  const { name, directory } = server.spec;
  const { lines, follow } = options;
  const known = record
    ? recordVariables(record)
    : { folder: '', pid: '', start_time: '', origin: '', machine: '' };
  const whose = { ...known, name, directory, file: 'log' };
  const variables = { ...whose, lines: String(lines), follow: follow ? 'yes' : '' };
  let begun = false;
  const onText = (line: string) => print(redactTokens(line));
  const onFrame = (frame: Frame) => {
    if (frame.key === 'begin') begun = true;
    if (frame.key === 'gone' && !begun)
      server.context.report.note(`"${name}" is not running; this is the log of its last run`);
    if (frame.key === 'ended') server.context.report.note('the server has ended');
  };
  await askHost(server, { name: 'logs', variables }, onFrame, onText);
}
