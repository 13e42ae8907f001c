import type { ServerStatus } from '../model/status.ts';
import type { ServerRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { serverStatus } from './status.ts';

/**
 * The status of a server that can be used: it has answered through its tunnel, or lives at least, which is
 * noted.
 * @throws Failure that says what is in the way: no tunnel, a server that is gone, or on another node
 */
export async function answeringStatus(record: ServerRecord, context: Context): Promise<ServerStatus> {
  const status = await serverStatus(record, context);
  const { name, destination, url, jupyter: server } = status;
  if (url === null) {
    throw new Failure(`no tunnel leads to "${name}" now`, { remedy: `Try: remote-notebook start ${name}` });
  }
  if (server.reason !== null) throw new Failure(server.reason);
  if (server.state === 'stopped') {
    throw new Failure(`the server of "${name}" on ${destination} is gone`, {
      remedy: `Start it again: remote-notebook start ${name} (remote-notebook status ${name} shows the end of its log)`,
    });
  }
  if (server.state === 'unknown')
    context.report.note(`"${name}" does not answer just now: is its host very busy, or the server stopped?`);
  return status;
}
