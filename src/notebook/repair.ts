import { type Connection, type Forward, forwardSpec } from '../ssh/arguments.ts';
import { isOpen, knownConnections } from '../ssh/connection.ts';
import { keeperState } from '../ssh/keeper.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { type HostServer, listServers } from './host.ts';
import { DEFAULT_PORT, makeNotebook } from './notebook.ts';
import { serverTarget } from './route.ts';
import { serverRecord } from './start.ts';
import { type NotebookRecord, type Records, readRecords, updateRecords, withRecord } from './state.ts';
import { readForwards } from './tunnel.ts';

/**
 * Puts what lives and is on no record back on record: each server that its host knows, and to which a tunnel of this
 * machine leads. Answers with what was found. Nothing is started, and no login is made.
 */
export async function repairRecords(context: Context): Promise<NotebookRecord[]> {
  const records = readRecords(context);
  const connections = knownConnections(context.env);
  const found = await Promise.all(connections.map((connection) => lostOn(connection, records, context)));
  const lost = found.flat();
  if (lost.length > 0) await updateRecords(context, (now) => lost.reduce(withLost, now));
  return lost;
}

/** A start may have put it on record meanwhile, and knows better. */
function withLost(records: Records, record: NotebookRecord): Records {
  return records[record.notebook.name] ? records : withRecord(records, record);
}

async function lostOn(connection: Connection, known: Records, context: Context): Promise<NotebookRecord[]> {
  const forwards = readForwards(connection);
  const onRecord = Object.values(known).flatMap((record) => record.forwards.map(forwardSpec));
  const lost = forwards.filter((forward) => !onRecord.includes(forwardSpec(forward)));
  if (lost.length === 0) return [];
  const state = await keeperState(connection);
  if (!state || !isOpen(connection, state)) {
    context.report.note(
      `the connection to ${connection.destination} is not up, so what is there cannot be known now`,
    );
    return [];
  }
  try {
    const servers = await listServers(connection, context);
    const found = servers.flatMap((server) => recordOf(server, connection, lost, known));
    return withOthers(found, lost);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    context.report.note(error.message);
    return [];
  }
}

/**
 * A server that no forward of this machine leads to is another machine's matter.
 * @throws UsageError when the host names what could be no notebook
 */
function recordOf(
  found: HostServer,
  connection: Connection,
  forwards: readonly Forward[],
  known: Records,
): NotebookRecord[] {
  const server = serverRecord(found);
  const forward = forwards.find(({ target }) => target === serverTarget(server));
  if (!forward || !found.asked || known[found.asked.name]) return [];
  const { destination, configFile } = connection;
  const settings = {
    destination,
    directory: found.asked.directory,
    environment: found.environment,
    port: server.port || DEFAULT_PORT,
    socket: server.socket !== undefined,
  };
  // What a host calls a notebook names files here: it is verified as if the user had said it.
  const notebook = makeNotebook(found.asked.name, settings, configFile);
  return [{ notebook, server, forwards: [forward], plain: undefined }];
}

/** Further forwards belong to one of the connection's notebooks; which one made no difference yet. */
function withOthers(found: readonly NotebookRecord[], forwards: readonly Forward[]): NotebookRecord[] {
  const [first, ...rest] = found;
  if (!first) return [];
  const taken = found.flatMap((record) => record.forwards);
  const others = forwards.filter((forward) => !taken.includes(forward));
  return [{ ...first, forwards: [...first.forwards, ...others] }, ...rest];
}
