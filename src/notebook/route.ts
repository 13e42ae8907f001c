import type { Connection, Forward } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { isPortFree, LOOPBACK, portHolder } from '../system/port.ts';
import type { Notebook } from './notebook.ts';
import { type NotebookRecord, readRecords, type ServerRecord, updateRecords, withRecord } from './state.ts';
import { isForwardUp, openTunnel } from './tunnel.ts';

/** So many ports above the wanted one are tried. */
const PORT_TRIES = 50;

/** The way from a port of this machine to a notebook's server, and the record of both. */
export class Route {
  readonly #connection: Connection;
  readonly #notebook: Notebook;
  /** The notebook's forward from before, if it had one: its port is kept, bookmarks lead there. */
  readonly #known: Forward | undefined;
  readonly #others: readonly Forward[];
  readonly #context: Context;
  #prepared: Promise<Forward | undefined> = Promise.resolve(undefined);

  constructor(connection: Connection, notebook: Notebook, forwards: readonly Forward[], context: Context) {
    this.#connection = connection;
    this.#notebook = notebook;
    [this.#known, ...this.#others] = forwards;
    this.#context = context;
  }

  /** Keeps the forward that will most probably be: there is time for it while Jupyter boots. */
  prepare(): void {
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
  async lead(server: ServerRecord): Promise<NotebookRecord & { server: ServerRecord }> {
    const wanted = this.#wantedPort(server.port || this.#notebook.port);
    const prepared = await this.#prepared;
    for (let localPort = wanted; localPort <= Math.min(65535, wanted + PORT_TRIES); localPort++) {
      const forward = forwardTo(server.socket ?? `${LOOPBACK}:${server.port}`, localPort);
      const record = { ...this.#record(forward), server };
      const isPrepared = prepared?.localPort === localPort && prepared.target === forward.target;
      if (
        (isPrepared || (await this.#isFree(localPort))) &&
        (await this.#bind(record, forward, isPrepared))
      ) {
        return record;
      }
      await this.#notePortTaken(localPort);
    }
    throw new Failure(`no free port of this machine from ${wanted} to ${wanted + PORT_TRIES}`, {
      remedy: 'Name another with --local-port.',
    });
  }

  #wantedPort(serverPort: number): number {
    return this.#notebook.localPort ?? this.#known?.localPort ?? serverPort;
  }

  /** Whatever becomes of this start, the notebook is known from here on: stop finds its server on the host. */
  async #prepare(): Promise<Forward | undefined> {
    const forward = await this.#guess();
    await this.#save(this.#record(forward));
    return forward;
  }

  async #guess(): Promise<Forward | undefined> {
    const { port, socket } = this.#notebook;
    // Only the host knows the path of a socket.
    if (socket) return undefined;
    const forward = forwardTo(`${LOOPBACK}:${port}`, this.#wantedPort(port));
    return (await this.#isFree(forward.localPort)) ? forward : undefined;
  }

  /** A forward that is on record already is bound while the record is completed. */
  async #bind(record: NotebookRecord, forward: Forward, isPrepared: boolean): Promise<boolean> {
    const saved = this.#save(record);
    if (!isPrepared) await saved;
    await Promise.all([saved, openTunnel(this.#connection, this.#context)]);
    return isForwardUp(this.#connection, forward);
  }

  #record(forward: Forward | undefined): NotebookRecord {
    const forwards = forward ? [forward, ...this.#others] : this.#others;
    return { notebook: this.#notebook, server: undefined, forwards, plain: undefined };
  }

  async #save(record: NotebookRecord): Promise<void> {
    await updateRecords(this.#context, (records) => withRecord(records, record));
  }

  async #isFree(localPort: number): Promise<boolean> {
    const known = this.#known;
    const isOurs = known?.localPort === localPort && (await isForwardUp(this.#connection, known));
    return isOurs || isPortFree(localPort);
  }

  async #notePortTaken(port: number): Promise<void> {
    const { name, strictPort } = this.#notebook;
    const other = Object.values(readRecords(this.#context)).find(
      (record) =>
        record.notebook.name !== name && record.forwards.some(({ localPort }) => localPort === port),
    );
    const holder = other ? `the notebook "${other.notebook.name}"` : await portHolder(port);
    const taken = `port ${port} of this machine is taken${holder ? ` by ${holder}` : ''}`;
    if (strictPort) {
      throw new Failure(taken, { remedy: 'Name another with --local-port, or leave out --strict-port.' });
    }
    this.#context.report.note(`${taken}; trying the next`);
  }
}

function forwardTo(target: string, localPort: number): Forward {
  return { bindAddress: LOOPBACK, localPort, target };
}
