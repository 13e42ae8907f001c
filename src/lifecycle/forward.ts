import type { ServerSpec } from '../model/server-spec.ts';
import { isPort } from '../model/setting-values.ts';
import type { ServerStatus } from '../model/status.ts';
import { type Forward, forwardSpec } from '../ssh/arguments.ts';
import {
  allForwards,
  type Forwards,
  NO_FORWARDS,
  putRecord,
  readRecords,
  type ServerRecord,
} from '../state/records.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { Failure, UsageError } from '../system/errors.ts';
import { LOOPBACK, portHolder } from '../system/port.ts';
import { isForwardUp, openTunnel, releaseTunnel } from '../tunnel/tunnel.ts';
import { startServer } from './start.ts';
import { answeringStatus, serverStatus } from './status.ts';
import { withServer } from './task.ts';

/**
 * `6006`, `9000:6006` (another port here), `8787:localhost:8787` (another machine, seen from the host), or the whole of
 * ssh's -L: `0.0.0.0:8787:localhost:8787` (for others, too).
 */
const PORT_SPEC =
  /^(?:(?:(\*|\d+(?:\.\d+){3}|\[[\da-f:.]+\]):(?=\d+:.+:))?(\d+):(?:(\[[^\]]+\]|[^:\s]+):)?)?(\d+)$/i;

/** Reads one more port to forward. @throws UsageError when it is none. */
export function parseForward(text: string): Forward {
  const [, address, local, host, port] = PORT_SPEC.exec(text) ?? [];
  const localPort = Number(local ?? port);
  if (!isPort(Number(port)) || !isPort(localPort)) {
    throw new UsageError(`"${text}" is no port to forward`, {
      remedy:
        'Write 6006, LOCAL:PORT, or LOCAL:HOST:PORT with the host as the remote machine sees it; ports are from 1 to 65535.',
    });
  }
  return { bindAddress: address ?? LOOPBACK, localPort, target: `${host ?? 'localhost'}:${port}` };
}

/** Whether only this machine can reach a forward. */
export function isPrivate({ bindAddress }: Forward): boolean {
  return /^127\.|^\[::1\]$/.test(bindAddress);
}

/**
 * The tunnel alone, again: brings it up for a server that runs, with the forwards that it had and with more if
 * there are any.
 * @returns its record, with the forwards that are up, and its status: the server has answered through the tunnel, or lives
 * at least, which is noted
 * @throws Failure when the server is gone, or its port of this machine or one of `more` is taken: it is not changed, so that
 * bookmarks go on to work
 */
export async function forwardServer(
  spec: ServerSpec,
  more: readonly Forward[],
  context: Context,
): Promise<{ record: ServerRecord; status: ServerStatus }> {
  // Without a record only the host knows the server's port: it is joined, and not started.
  if (!readRecords(context)[spec.name]?.jupyter) await startServer(spec, { kind: 'join' }, context);
  return withServer(spec, context, async ({ before, connection }) => {
    if (!before) throw new Failure(`"${spec.name}" was stopped meanwhile`);
    const record = { ...before, forwards: withFurther(before.forwards, more), closed: undefined };
    await putRecord(record, context);
    context.report.phase('connect');
    try {
      await openTunnel(connection, context);
      const { own } = record.forwards;
      if (own && !(await isForwardUp(connection, own)))
        throw await portTaken(own, `take the next free one: remote-notebook start ${spec.name}`);
      const asked = more.map(forwardSpec);
      const further: Forward[] = [];
      for (const forward of record.forwards.further) {
        if (await isForwardUp(connection, forward)) further.push(forward);
        else if (asked.includes(forwardSpec(forward)))
          throw await portTaken(forward, 'choose another port of this machine: LOCAL:PORT');
        // It is one of before, which the keeper tries again and again.
        else context.report.note((await portTaken(forward, '')).message);
      }
      context.report.phase('prove');
      const up = { ...record, forwards: { own, further } };
      const status = await answeringStatus(record, context);
      for (const { bindAddress, localPort } of more.filter((forward) => !isPrivate(forward)))
        context.report.note(`others can reach port ${localPort} of this machine, at ${bindAddress}`);
      return { record: up, status };
    } catch (error) {
      const undoContext = uninterrupted(context);
      await putRecord(before, undoContext);
      await releaseTunnel(connection, undoContext);
      throw error;
    }
  });
}

/**
 * Takes further forwards of a server back, by their ports of this machine. Needs no connection.
 * @returns its record with those that are left, and its status
 * @throws UsageError when it has no such one; then all stay
 */
export async function cancelForwards(
  spec: ServerSpec,
  cancelled: readonly Forward[],
  context: Context,
): Promise<{ record: ServerRecord; status: ServerStatus }> {
  const ports = cancelled.map(({ localPort }) => localPort);
  return withServer(spec, context, async ({ before: record, connection }) => {
    const { own, further } = record?.forwards ?? NO_FORWARDS;
    const missing = ports.find((port) => !further.some(({ localPort }) => localPort === port));
    if (!record || !own || missing !== undefined) {
      const has = further.map(({ localPort }) => localPort).join(', ');
      throw new UsageError(`"${spec.name}" has no further port ${missing} of this machine`, {
        remedy:
          missing === own?.localPort
            ? `That one leads to its server. End its tunnel: remote-notebook stop ${spec.name} --keep-server`
            : has === ''
              ? 'It has none at all.'
              : `It has: ${has}`,
      });
    }
    const left = further.filter(({ localPort }) => !ports.includes(localPort));
    const changed = { ...record, forwards: { own, further: left } };
    await putRecord(changed, context);
    await releaseTunnel(connection, context);
    return { record: changed, status: await serverStatus(changed, context) };
  });
}

/** The same with more of the user's own, each once. */
function withFurther(forwards: Forwards, more: readonly Forward[]): Forwards {
  const known = allForwards(forwards).map(forwardSpec);
  const added = more.filter((forward) => !known.includes(forwardSpec(forward)));
  return { ...forwards, further: [...forwards.further, ...added] };
}

/** @param otherwise what to do where its holder is to have it */
async function portTaken({ localPort }: Forward, otherwise: string): Promise<Failure> {
  const holder = await portHolder(localPort);
  return new Failure(`port ${localPort} of this machine cannot be had${holder ? `: ${holder} has it` : ''}`, {
    remedy: `End that, or ${otherwise}`,
  });
}
