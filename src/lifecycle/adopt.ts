import { hostOf } from '../config/hosts.ts';
import { type Everything, everyServer, type FoundServer, isPasswordOnly } from '../host/listing.ts';
import { defaultName, makeSpec, type ServerSpec } from '../model/server-spec.ts';
import { type ServerSettings, settingsIn } from '../model/settings.ts';
import type { Host } from '../ssh/arguments.ts';
import { type Records, readRecords } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { oneLine } from '../system/one-line.ts';
import { LOOPBACK } from '../system/port.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { serverTarget } from '../tunnel/target.ts';
import { onTunnel } from '../tunnel/tunnel.ts';
import { type Started, startServer } from './start.ts';

/** The settings that apply to a running server. */
export interface AdoptSettings extends Pick<ServerSettings, 'localPort' | 'strictPort' | 'sshConfig'> {
  readonly name?: string | undefined;
}

/**
 * Connects to a running server of a host, whoever started it. A server of another program gets a record on its host,
 * where other machines find it. A failure is undone.
 * @param target a destination, or the name of a server on it
 * @param number the server's port on its host, or its PID
 * @throws Failure when no server or several have this number, or the server requires a password
 */
export async function adoptServer(
  target: string | undefined,
  number: number,
  settings: AdoptSettings,
  context: Context,
): Promise<Started> {
  const host = await hostOf(target, settings.sshConfig, context);
  const connection = connectionOf(host, context.env);
  context.report.phase('connect');
  return onTunnel(connection, context, async () => {
    context.report.phase('find');
    const server = chooseServer(await everyServer(connection, context), number, host.destination);
    const { spec, isNew } = specOf(server, host, settings, readRecords(context));
    if (isNew) verifyAdoptable(server, host.destination);
    return startServer(spec, isNew ? { kind: 'adopt', server } : { kind: 'join' }, context);
  });
}

function chooseServer({ servers }: Everything, number: number, destination: string): FoundServer {
  const matching = servers.filter(({ info }) => info.pid === number || info.port === number);
  const [server] = matching;
  if (!server) {
    throw new Failure(`no Jupyter server of yours on ${destination} has the port or the PID ${number}`, {
      remedy:
        servers.length === 0
          ? `None is running there. Start one: remote-notebook start ${destination}`
          : `These are running there:\n${linesOf(servers)}`,
    });
  }
  if (matching.length === 1) return server;
  throw new Failure(`${number} is the port or the PID of ${matching.length} servers on ${destination}`, {
    remedy: `Use the other number (port or PID) of the server that you want:\n${linesOf(matching)}`,
  });
}

function linesOf(servers: readonly FoundServer[]): string {
  return servers
    .map(({ info: { pid, port, socket, directory = '?' } }) => {
      const where = socket ?? (port === 0 ? 'unknown port' : `port ${port}`);
      return `  PID ${pid}, ${where}, in ${oneLine(directory)}`;
    })
    .join('\n');
}

/**
 * Returns the spec of a found server: that of its record, if no other server has the name here, or else a new one. The
 * new name consists of the host and the port: the host's name alone is for the server that this program starts there.
 */
function specOf(
  { info, records }: FoundServer,
  { destination, sshConfig }: Host,
  { name, localPort, strictPort }: AdoptSettings,
  known: Records,
): { spec: ServerSpec; isNew: boolean } {
  const isFree = (asked: { name: string; directory: string }) => {
    const here = known[asked.name]?.spec;
    return !here || (here.destination === destination && here.directory === asked.directory);
  };
  const own = records.find(({ asked }) => (name === undefined ? isFree(asked) : asked.name === name));
  const given =
    name ?? own?.asked.name ?? `${defaultName(destination).slice(0, 56)}-${info.port || info.pid}`;
  const directory = own?.asked.directory ?? info.directory ?? '';
  const here = isFree({ name: given, directory }) ? known[given]?.spec : undefined;
  const described = here ?? {
    destination,
    directory,
    port: info.port || undefined,
  };
  const spec = makeSpec(given, { ...described, ...settingsIn({ localPort, strictPort, sshConfig }) });
  return { spec, isNew: !own };
}

function verifyAdoptable(server: FoundServer, destination: string): void {
  const { info, file, records } = server;
  const { pid, port, socket } = info;
  if (port === 0 && socket === undefined)
    throw new Failure(`the server (PID ${pid} on ${destination}) does not report its port`, {
      remedy: 'This version of Jupyter does not support --port=0: start it with another port.',
    });
  if (file === undefined) {
    const names = records.map(({ asked }) => asked.name).join(', ');
    throw new Failure(`the server (PID ${pid} on ${destination}) has lost its runtime file`, {
      remedy: `Use its name instead: ${names}`,
    });
  }
  if (!isPasswordOnly(server)) return;
  throw new Failure(
    `the server (PID ${pid} on ${destination}) requires a password and has no token, so remote-notebook cannot use its API`,
    {
      remedy: `Open a tunnel and log in there: ssh -N -L ${LOOPBACK}:8888:${serverTarget(info)} ${destination}\nOr start it with JUPYTER_TOKEN=… in its environment. The password keeps working.`,
    },
  );
}
