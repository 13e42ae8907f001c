import type { Socket } from 'node:net';
import * as v from 'valibot';
import { elapsed } from '../model/elapsed.ts';
import { endedResponse, waitingResponse } from '../session/waiting-page.ts';
import { allForwards, type Connection, type Forward, forwardSpec } from '../ssh/arguments.ts';
import { mainLine } from '../ssh/causes/messages.ts';
import { attempt } from '../system/errors.ts';
import { type ProcessIdentity, startTimeOf } from '../system/process.ts';
import { serveRequests } from './control.ts';
import { EventLog } from './events.ts';
import type { Link } from './links/link.ts';
import { Links } from './links/links.ts';
import { StepLinks } from './links/step-links.ts';
import { Listeners, localEnd } from './listeners.ts';
import { type Route, type RouteOwner, type Target, targetsByEnd, targetsOf } from './routes/route.ts';
import { newRoute, reasonsOf } from './routes/routes.ts';
import { type KeeperStatus, writeStatus } from './status.ts';
import { keyOf, type Request, RequestSchema, type WantedTunnel } from './wanted.ts';

/** Timeout for the tunnels to come up after a request, before it is answered. */
const APPLY_TIMEOUT_MS = 15_000;
const MAX_HUNG = 3;
/** Interval at which a keeper that has no tunnel and no link looks whether the command that started it was killed. */
const IDLE_MS = 60_000;

/**
 * Keeps the tunnels of one connection: holds the local ports, the sessions of the relays, and a link to the host. Runs in
 * a process of its own, and does what commands request: see wanted.ts.
 */
export class Keeper implements RouteOwner {
  readonly #connection: Connection;
  readonly #steps: StepLinks;
  readonly #links: Links;
  readonly #events: EventLog;
  readonly #listeners = new Listeners(() => this.changed());
  readonly #routes = new Map<string, Route>();
  #tunnels: readonly WantedTunnel[] = [];
  /** Where the local end of each forward leads. */
  #targets: ReadonlyMap<string, Target> = new Map();
  #self: ProcessIdentity = { pid: process.pid, startTime: '' };
  #endRequests = () => {};
  #waiters: (() => void)[] = [];
  readonly #starter = process.ppid;
  #idle: NodeJS.Timeout | undefined;
  #noted = '';
  /** Number of consecutive links whose first session did not end. */
  #hung = 0;

  constructor(connection: Connection, env: NodeJS.ProcessEnv) {
    this.#connection = connection;
    this.#steps = new StepLinks(connection, env);
    this.#events = new EventLog(connection);
    this.#links = new Links(connection, env, {
      connected: (link) => this.#connected(link),
      changed: () => this.changed(),
      woke: () => {
        for (const route of this.#routes.values()) route.probe();
      },
      event: (kind, text) => this.#events.add(kind, text),
    });
  }

  async start(): Promise<void> {
    this.#self = { pid: process.pid, startTime: (await startTimeOf(process.pid)) ?? '' };
    const end = () => void this.stop().finally(() => process.exit());
    this.#endRequests = await serveRequests(this.#connection, (request) => this.#answer(request), end);
    this.changed();
  }

  /** Ends everything. What programs have open is reset, also on the host: ssh ends only when that knows it. */
  async stop(): Promise<void> {
    if (this.#noted !== '') this.#events.add('ended', '');
    const closed = [...this.#routes.values()].map((route) => route.close());
    this.#routes.clear();
    this.#apply([]);
    await Promise.all(closed);
    await this.#links.close();
    this.#endRequests();
  }

  changed(): void {
    const status = this.#status();
    writeStatus(this.#connection, status);
    this.#noteForwards(status);
    for (const look of this.#waiters) look();
    clearInterval(this.#idle);
    if (this.#tunnels.length > 0 || this.#links.link) return;
    // The login of the command that has started this keeper may take minutes.
    const isOrphan = () => process.ppid !== this.#starter || process.ppid === 1;
    this.#idle = setInterval(() => isOrphan() && process.exit(), IDLE_MS);
  }

  silence(link: Link, isSilent: boolean): void {
    this.#links.silence(link, isSilent);
  }

  moved(link: Link): void {
    if (link === this.#links.link) this.#links.moved();
    this.changed();
  }

  reopen(socket: Socket): void {
    // The next routes are there only then.
    setImmediate(() => this.#open(socket, `${socket.localAddress}:${socket.localPort}`));
  }

  page(ended?: string): string {
    const { destination } = this.#connection;
    if (ended !== undefined) return endedResponse(destination, ended);
    const { phase, since, tries, nextTryAt, output } = this.#links;
    // An ssh that was killed has printed nothing.
    const message = output?.trim() ? mainLine(output) : undefined;
    const state = phase === 'connected' ? 'reconnecting' : phase;
    const duration = elapsed(since, Date.now());
    return waitingResponse({ destination, state, duration, tries, nextTryAt, message }, Date.now());
  }

  async #answer(json: unknown): Promise<unknown> {
    const request = attempt(() => v.parse(RequestSchema, json));
    if (!request) throw new Error('the keeper does not know this request');
    if (await this.#do(request)) return this.#status();
    throw new Error('ssh does not respond');
  }

  async #do(request: Request): Promise<boolean> {
    if (request.do === 'adopt') return this.#links.adopt(request.controlPath);
    if (request.do === 'try') await this.#links.tryNow();
    if (request.do === 'hurry') this.#links.hurry();
    if (request.do === 'apply') await this.#have(request.tunnels);
    if (request.do === 'stop') {
      await this.stop();
      // The response is written before that.
      setImmediate(() => process.exit());
    }
    return true;
  }

  /** Has these tunnels, and waits until they are up or cannot be. */
  async #have(tunnels: readonly WantedTunnel[]): Promise<void> {
    const bound = this.#apply(tunnels);
    await Promise.all(bound);
    const isSettled = () =>
      !this.#links.link ||
      [...this.#routes.values()].every(({ isUp, message }) => isUp || message !== undefined);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, APPLY_TIMEOUT_MS);
      const look = () => {
        if (!isSettled()) return;
        clearTimeout(timer);
        this.#waiters = this.#waiters.filter((waiter) => waiter !== look);
        resolve();
      };
      this.#waiters.push(look);
      this.changed();
    });
  }

  /** Makes the ports and routes those of these tunnels. Returns promises that settle when the ports are bound, or in use. */
  #apply(tunnels: readonly WantedTunnel[]): Promise<void>[] {
    this.#tunnels = tunnels;
    this.#listeners.keepOnly(tunnels.flatMap(allForwards));
    const keys = tunnels.map(keyOf);
    for (const [key, route] of [...this.#routes])
      if (!keys.includes(key) && this.#routes.delete(key)) void route.close();
    const targets = tunnels.flatMap((tunnel) => targetsOf(tunnel, this.#routeOf(tunnel)));
    this.#targets = targetsByEnd(targets, this.#targets);
    return tunnels
      .flatMap(allForwards)
      .map((forward) => this.#listeners.add(forward, (socket) => this.#open(socket, localEnd(forward))));
  }

  /** Uses the route of this moment: a server may have got another relay since its port was opened. */
  #open(socket: Socket, end: string): void {
    const { route, target } = this.#targets.get(end) ?? {};
    if (route) route.open(socket, target ?? '');
    else socket.destroy();
  }

  #routeOf(tunnel: WantedTunnel): Route {
    const key = keyOf(tunnel);
    const known = this.#routes.get(key);
    if (known) return known;
    const route = newRoute(tunnel, this.#steps, this);
    this.#routes.set(key, route);
    if (this.#links.link) {
      if (this.#routes.size === 1) void this.#sendAtOnce(this.#links.link);
      route.use(this.#links.link);
    }
    return route;
  }

  #connected(link: Link): void {
    if (this.#routes.size > 0) void this.#sendAtOnce(link);
    else this.#links.moved();
    for (const route of this.#routes.values()) route.use(link);
    this.changed();
  }

  /** Small packets are sent at once only after a session. A host on which sessions hang is left alone. */
  async #sendAtOnce(link: Link): Promise<void> {
    if (this.#hung < MAX_HUNG) this.#hung = (await link.sendAtOnce()) ? 0 : this.#hung + 1;
  }

  #status(): KeeperStatus {
    const { phase, since, tries, nextTryAt, output, link } = this.#links;
    const routes = [...this.#routes.values()];
    const wanted = this.#tunnels.flatMap(allForwards);
    return {
      phase,
      keeper: this.#self,
      ssh: link?.process,
      since,
      tries,
      nextTryAt,
      output: output ?? routes.find((route) => !route.isUp)?.message ?? this.#failure(wanted),
      up: this.#up(),
      bound: wanted.filter((forward) => this.#has(forward)).map(forwardSpec),
      down: wanted.filter((forward) => !this.#has(forward)).map(forwardSpec),
      reasons: reasonsOf(this.#tunnels, this.#routes),
      buffered: routes.reduce((sum, { buffered }) => sum + buffered, 0),
    };
  }

  /** Adds an event when there is another link, or other forwards are up. */
  #noteForwards({ phase, ssh, up, down }: KeeperStatus): void {
    const text = [...up.map((spec) => `up ${spec}`), ...down.map((spec) => `down ${spec}`)].join(' ');
    const noted = `${ssh?.pid} ${text}`;
    if (phase !== 'connected' || noted === this.#noted) return;
    this.#noted = noted;
    this.#events.add('connected', text);
  }

  #failure(wanted: readonly Forward[]): string | undefined {
    return wanted.map((forward) => this.#listeners.failure(forward)).find(Boolean);
  }

  /** The forwards whose port is ours, and whose server can be reached. */
  #up(): string[] {
    return this.#tunnels
      .filter((tunnel) => this.#routes.get(keyOf(tunnel))?.isUp)
      .flatMap((tunnel) => allForwards(tunnel).filter((forward) => this.#has(forward)))
      .map(forwardSpec);
  }

  /** Whether the local port of a forward is ours, and leads to its target. */
  #has(forward: Forward): boolean {
    const owner = this.#targets.get(localEnd(forward))?.forward;
    return owner?.target === forward.target && this.#listeners.isBound(forward);
  }
}
