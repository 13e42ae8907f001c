import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection, Forward } from '../ssh/arguments.ts';
import {
  allForwards,
  type Forwards,
  type JoinedRecord,
  type JupyterRecord,
  putRecord,
  readRecords,
  type ServerRecord,
} from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { isPortFree, LOOPBACK, portHolder } from '../system/port.ts';
import { isForwardUp, openTunnel } from './tunnel.ts';

/** So many ports above the wanted one are tried. */
const PORT_TRIES = 50;

/** The port of this machine that leads to a server, from the first guess to the record of both. */
export class LocalPort {
  readonly #connection: Connection;
  readonly #spec: ServerSpec;
  /** Those from before: the port of the server's own is kept, bookmarks lead there. */
  readonly #before: Forwards;
  readonly #context: Context;
  #prepared: Promise<Forward | undefined> = Promise.resolve(undefined);
  /** Whether the host is this very machine: both ends want their port of it then. */
  #hostIsHere = false;

  constructor(connection: Connection, spec: ServerSpec, before: Forwards, context: Context) {
    this.#connection = connection;
    this.#spec = spec;
    this.#before = before;
    this.#context = context;
  }

  /** Brings the forward up that will most probably be: there is time for it while Jupyter boots. */
  prepare(hostIsHere: boolean): void {
    this.#hostIsHere = hostIsHere;
    this.#prepared = this.#prepare().catch(() => undefined);
  }

  /** Waits until nothing is under way. */
  async settled(): Promise<void> {
    await this.#prepared;
  }

  /**
   * Leads a port of this machine to the server. A port is tried by having ssh bind it, so that nobody can take
   * it in between.
   * @throws Failure when no port is free, or the wanted one is not and ports are strict
   */
  async leadTo(server: JupyterRecord): Promise<JoinedRecord> {
    const wanted = this.#wantedPort(server.port || this.#spec.port);
    const prepared = await this.#prepared;
    for (let localPort = wanted; localPort <= Math.min(65535, wanted + PORT_TRIES); localPort++) {
      const forward = forwardTo(serverTarget(server), localPort);
      const record = { spec: this.#spec, jupyter: server, forwards: { ...this.#before, own: forward } };
      const isPrepared = prepared?.localPort === localPort && prepared.target === forward.target;
      if (!isPrepared && (await this.#isFree(localPort, prepared))) await this.#bind(record);
      if (await isForwardUp(this.#connection, forward)) return record;
      await this.#notePortTaken(localPort, server);
    }
    throw new Failure(`no free port of this machine from ${wanted} to ${wanted + PORT_TRIES}`, {
      remedy: 'Name another with --local-port.',
    });
  }

  #wantedPort(serverPort: number): number {
    return this.#spec.localPort ?? this.#before.own?.localPort ?? serverPort;
  }

  /** Whatever becomes of this start, the server is known from here on: stop finds it on the host. */
  async #prepare(): Promise<Forward | undefined> {
    const forward = await this.#guess();
    const record = { spec: this.#spec, jupyter: undefined, forwards: { ...this.#before, own: forward } };
    if (forward) await this.#bind(record);
    else await putRecord(record, this.#context);
    return forward;
  }

  async #guess(): Promise<Forward | undefined> {
    const { port, socket } = this.#spec;
    // Only the host knows the path of a socket.
    if (socket) return undefined;
    const wanted = this.#wantedPort(port);
    // Jupyter itself is about to take its port here.
    const isJupyters = this.#hostIsHere && wanted === port && port < 65535;
    const localPort = isJupyters ? port + 1 : wanted;
    return (await this.#isFree(localPort, undefined))
      ? forwardTo(`${LOOPBACK}:${port}`, localPort)
      : undefined;
  }

  /** The keeper binds what stands on record. */
  async #bind(record: ServerRecord): Promise<void> {
    await putRecord(record, this.#context);
    await openTunnel(this.#connection, this.#context);
  }

  /** A port that our own ssh has is given up when it is to lead elsewhere. */
  async #isFree(localPort: number, prepared: Forward | undefined): Promise<boolean> {
    for (const own of [this.#before.own, prepared]) {
      if (own?.localPort === localPort && (await isForwardUp(this.#connection, own))) return true;
    }
    return isPortFree(localPort);
  }

  async #notePortTaken(port: number, server: JupyterRecord): Promise<void> {
    const { name, strictPort } = this.#spec;
    const other = Object.values(readRecords(this.#context)).find(
      (record) =>
        record.spec.name !== name && allForwards(record.forwards).some(({ localPort }) => localPort === port),
    );
    const isItself = this.#hostIsHere && port === server.port;
    const own = isItself ? 'the server itself, whose host is this machine' : await portHolder(port);
    const holder = other ? `the server "${other.spec.name}"` : own;
    const taken = `port ${port} of this machine is taken${holder ? ` by ${holder}` : ''}`;
    if (strictPort)
      throw new Failure(taken, { remedy: 'Name another with --local-port, or leave out --strict-port.' });
    this.#context.report.note(`${taken}; trying the next`);
  }
}

/** Where a server listens, as its host sees it. */
export function serverTarget({
  socket,
  host,
  port,
}: Pick<JupyterRecord, 'socket' | 'host' | 'port'>): string {
  return socket ?? `${host ?? LOOPBACK}:${port}`;
}

function forwardTo(target: string, localPort: number): Forward {
  return { bindAddress: LOOPBACK, localPort, target };
}
