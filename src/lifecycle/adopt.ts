import { resolveServer } from '../config/resolve.ts';
import { type Everything, everyServer, type FoundServer, isPasswordOnly } from '../host/listing.ts';
import { defaultName, makeSpec, type ServerSpec } from '../model/server-spec.ts';
import { type ServerSettings, settingsIn } from '../model/settings.ts';
import { type Records, readRecords } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { LOOPBACK } from '../system/port.ts';
import { serverTarget } from '../tunnel/local-port.ts';
import { connectionOf, onTunnel } from '../tunnel/tunnel.ts';
import { type Started, startServer } from './start.ts';

/** What can be chosen for a server that runs already. */
export interface AdoptSettings extends Pick<ServerSettings, 'localPort' | 'strictPort' | 'sshConfig'> {
  readonly name?: string | undefined;
}

/**
 * Joins a server that runs on a host, whoever started it, and brings it to this machine. One that this program has
 * not started is put on record on its host, where any other machine finds it. Any failure undoes what was begun.
 * @param target a destination, or the name of a server on it
 * @param number the server's port on its host, or its PID
 * @throws Failure when there is none, or more than one, or only a password lets in
 */
export async function adoptServer(
  target: string | undefined,
  number: number,
  settings: AdoptSettings,
  context: Context,
): Promise<Started> {
  const host = await resolveServer(target, { sshConfig: settings.sshConfig }, context);
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
  const meant = servers.filter(({ info }) => info.pid === number || info.port === number);
  const [server] = meant;
  if (!server) {
    throw new Failure(`no Jupyter server of yours on ${destination} has the port or the PID ${number}`, {
      remedy:
        servers.length === 0
          ? `None runs there: remote-notebook start ${destination}`
          : `There are:\n${linesOf(servers)}`,
    });
  }
  if (meant.length === 1) return server;
  throw new Failure(`${number} is the port or the PID of ${meant.length} servers on ${destination}`, {
    remedy: `Name the one that you mean by its other number:\n${linesOf(meant)}`,
  });
}

function linesOf(servers: readonly FoundServer[]): string {
  return servers
    .map(({ info: { pid, port, socket, directory = '?' } }) => {
      const where = socket ?? (port === 0 ? 'unknown port' : `port ${port}`);
      return `  PID ${pid}, ${where}, in ${directory.replace(/\p{Cc}/gu, '\ufffd')}`;
    })
    .join('\n');
}

/**
 * The spec of a found server: that of its record, if no other has that name here, else a new one. That is called
 * after its host and its port, since the host's own name is for the server that this program starts there.
 */
function specOf(
  { info, records }: FoundServer,
  { destination, sshConfig }: ServerSpec,
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
    socket: info.socket !== undefined,
    port: info.port || undefined,
  };
  const spec = makeSpec(given, { ...described, ...settingsIn({ localPort, strictPort, sshConfig }) });
  return { spec, isNew: !own };
}

function verifyAdoptable(server: FoundServer, destination: string): void {
  const { info, file, records } = server;
  const { pid, port, socket } = info;
  if (port === 0 && socket === undefined)
    throw new Failure(`the server (PID ${pid} on ${destination}) does not tell its port`, {
      remedy:
        'It was started with --port=0, which this version of Jupyter does not know: start it with another.',
    });
  if (file === undefined) {
    const names = records.map(({ asked }) => asked.name).join(', ');
    throw new Failure(`the server (PID ${pid} on ${destination}) has lost its runtime file`, {
      remedy: `It can be joined by its own name alone: ${names}`,
    });
  }
  if (!isPasswordOnly(server)) return;
  throw new Failure(
    `the server (PID ${pid} on ${destination}) asks for a password, and has no token: nothing can be proven or asked of it from here, nor can it be stopped kindly`,
    {
      remedy: `Take a tunnel alone and log in there: ssh -N -L ${LOOPBACK}:8888:${serverTarget(info)} ${destination}\nOr start it with JUPYTER_TOKEN=… in its environment, which works beside the password.`,
    },
  );
}
