import type { ServerSpec } from '../model/server-spec.ts';
import { isPort } from '../model/setting-values.ts';
import type { ServerStatus } from '../model/status.ts';
import { allForwards, type Forward, forwardSpec } from '../ssh/arguments.ts';
import {
  type Forwards,
  isGuarded,
  NO_FORWARDS,
  putRecord,
  readRecords,
  type ServerRecord,
} from '../state/records.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { Failure, UsageError } from '../system/errors.ts';
import { isPortFree, LOOPBACK, portInUse } from '../system/port.ts';
import { isForwardBound, isForwardUp, openTunnel, releaseTunnel } from '../tunnel/tunnel.ts';
import { verifyListening } from './prove.ts';
import { startServer } from './start.ts';
import { answeringStatus, serverStatus } from './status.ts';
import { type Task, withServer } from './task.ts';

/**
 * `6006`, `9000:6006` (another local port), `8787:localhost:8787` (another machine, seen from the host), or the whole
 * form of ssh's -L: `0.0.0.0:8787:localhost:8787` (other machines can connect, too).
 */
const PORT_SPEC =
  /^(?:(?:(\*|\d+(?:\.\d+){3}|\[[\da-f:.]+\]):(?=\d+:.+:))?(\d+):(?:(\[[^\]]+\]|[^:\s]+):)?)?(\d+)$/i;

/** Parses a port to forward. @throws UsageError when it is invalid */
export function parseForward(text: string): Forward {
  const [, address, local, host, port] = PORT_SPEC.exec(text) ?? [];
  const localPort = Number(local ?? port);
  if (!isPort(Number(port)) || !isPort(localPort)) {
    throw new UsageError(`invalid port: "${text}"`, {
      remedy:
        'Write 6006, LOCAL:PORT, or LOCAL:HOST:PORT, where HOST is a name that the remote machine can resolve. Ports are from 1 to 65535.',
    });
  }
  return { bindAddress: address ?? LOOPBACK, localPort, target: `${host ?? 'localhost'}:${port}` };
}

/** Whether only this machine can use a forward. */
export function isPrivate({ bindAddress }: Forward): boolean {
  return /^127\.|^\[::1\]$/.test(bindAddress);
}

/** A server after a change of its forwards. */
interface Forwarded {
  readonly record: ServerRecord;
  readonly status: ServerStatus;
}

/**
 * Opens the tunnel to a running server, with the forwards that it had and `more`.
 * @returns its record with the forwards that are up, and its status: see `answeringStatus`
 * @throws Failure when the server is gone, or its local port or one of `more` is in use: then nothing changes, and
 *   bookmarks keep working
 */
export async function forwardServer(
  spec: ServerSpec,
  more: readonly Forward[],
  context: Context,
): Promise<Forwarded> {
  // Whether a port is in use is only known when ssh has given up those that it has.
  for (const { localPort, bindAddress } of more) await isPortFree(localPort, bindAddress);
  // Without a record, only the host knows the server's port.
  if (!readRecords(context)[spec.name]?.jupyter) await startServer(spec, { kind: 'join' }, context);
  return withServer(spec, context, async (task) => {
    const { before, connection } = task;
    if (!before) throw new Failure(`another command has stopped "${spec.name}"`);
    const forwards = withFurther(before.forwards, more);
    const record = { ...before, forwards, closed: undefined, withdrawn: undefined };
    try {
      await openConfirmed(record, task);
      const up = { ...record, forwards: await forwardsUp(record, more, task) };
      context.report.phase('prove');
      const status = await answeringStatus(record, context);
      for (const { bindAddress, localPort } of more.filter((forward) => !isPrivate(forward)))
        context.report.note(`other machines can connect to local port ${localPort} at ${bindAddress}`);
      return { record: up, status };
    } catch (error) {
      const undoContext = uninterrupted(context);
      const { withdrawn } = readRecords(undoContext)[spec.name] ?? before;
      await putRecord({ ...before, withdrawn }, undoContext);
      await releaseTunnel(connection, undoContext);
      throw error;
    }
  });
}

/**
 * Puts the record in place and opens its tunnel. Without a relay, no page may connect to the port of the server until the
 * host has confirmed that it listens there.
 */
async function openConfirmed(record: ServerRecord, task: Task): Promise<void> {
  const { connection, context } = task;
  const { jupyter, forwards } = record;
  const isUp = forwards.own && (await isForwardUp(connection, forwards.own));
  const unconfirmed = isUp || isGuarded(record) ? undefined : jupyter;
  await putRecord(unconfirmed ? { ...record, withdrawn: true } : record, context);
  context.report.phase('connect');
  await openTunnel(connection, context);
  if (!unconfirmed) return;
  await verifyListening(task, unconfirmed);
  await putRecord(record, context);
  await openTunnel(connection, context);
}

/** The forwards of a record that are up. @throws Failure when its own or a requested one is not */
async function forwardsUp(
  { spec, forwards: { own, further } }: ServerRecord,
  requested: readonly Forward[],
  { connection, context }: Task,
): Promise<Forwards> {
  if (own && !(await isForwardBound(connection, own)))
    throw await portFailure(own, `use the next free port: remote-notebook start ${spec.name}`);
  const specs = requested.map(forwardSpec);
  const up: Forward[] = [];
  for (const forward of further) {
    if (await isForwardBound(connection, forward)) up.push(forward);
    else if (specs.includes(forwardSpec(forward)))
      throw await portFailure(forward, 'choose another local port: LOCAL:PORT');
    // The keeper retries the forwards that the server had before.
    else context.report.note((await portFailure(forward, '')).message);
  }
  return { own, further: up };
}

/**
 * Cancels further forwards of a server, by their local ports. Needs no connection.
 * @returns its record without them, and its status
 * @throws UsageError when the server has no such forward; then all are kept
 */
export async function cancelForwards(
  spec: ServerSpec,
  cancelled: readonly Forward[],
  context: Context,
): Promise<Forwarded> {
  const ports = cancelled.map(({ localPort }) => localPort);
  return withServer(spec, context, async ({ before: record, connection }) => {
    const { own, further } = record?.forwards ?? NO_FORWARDS;
    const missing = ports.find((port) => !further.some(({ localPort }) => localPort === port));
    if (!record || !own || missing !== undefined) {
      const others = further.map(({ localPort }) => localPort).join(', ');
      throw new UsageError(`"${spec.name}" does not forward local port ${missing}`, {
        remedy:
          missing === own?.localPort
            ? `That port leads to its server. To close its tunnel: remote-notebook stop ${spec.name} --keep-server`
            : others === ''
              ? 'It forwards no other ports.'
              : `It forwards: ${others}`,
      });
    }
    const left = further.filter(({ localPort }) => !ports.includes(localPort));
    const changed = { ...record, forwards: { own, further: left } };
    await putRecord(changed, context);
    await releaseTunnel(connection, context);
    return { record: changed, status: await serverStatus(changed, context) };
  });
}

/** Adds forwards of the user's own, each once. */
function withFurther(forwards: Forwards, more: readonly Forward[]): Forwards {
  const known = allForwards(forwards).map(forwardSpec);
  const added = more.filter((forward) => !known.includes(forwardSpec(forward)));
  return { ...forwards, further: [...forwards.further, ...added] };
}

/** @param otherwise what the user can do without ending the program that has the port */
async function portFailure({ localPort }: Forward, otherwise: string): Promise<Failure> {
  return new Failure(await portInUse(localPort), {
    remedy: `End that program, or ${otherwise}`,
  });
}
