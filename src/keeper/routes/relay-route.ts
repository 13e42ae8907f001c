import type { Socket } from 'node:net';
import type { RelayPlace } from '../../model/relay-place.ts';
import { Carrier } from '../../session/carrier.ts';
import { Session } from '../../session/session.ts';
import { WaitingRoom } from '../../session/waiting-room.ts';
import { type Link, SILENT } from '../links/link.ts';
import { Pacing } from '../links/pacing.ts';
import { NO_RELAY, relayCommand, startRelay } from './relay-command.ts';
import type { Route, RouteOwner } from './route.ts';

/** Timeout for the first line of the relay over a forwarded socket … */
const SOCKET_GREETING_MS = 15_000;
/** … and over a command, before which come the start-up files of the login shell. */
const COMMAND_GREETING_MS = 60_000;
/** The pause before another carrier over the same link: mostly the link, or the tunnel of a stopped server, is about to end as well. */
const LEAST_PAUSE_MS = 500;
/** Maximum number of characters that are kept of what ssh prints. */
const MAX_PRINTED = 1000;
/** How often a command of a scheduler is tried soon (a second apart), and the pause after each further one. */
const STEP_TRIES = 20;
const STEP_PAUSE_S = 60;

/** How a relay in a batch job is reached over a link to its host. */
interface InJob {
  /** The words before a command on the host that runs it in the job; none if the scheduler has no such command. */
  readonly within: readonly string[];
  /** Whether the reason for the end of a carrier shows that the job has ended. */
  isOver(why: string): boolean;
  /** Called when the link leads to its node, but no relay is running there. */
  hasNoRelay(link: Link): void;
}

/** The way to a server through its relay: what passes here survives the loss of a link. */
export class RelayRoute implements Route {
  readonly #place: RelayPlace;
  readonly #owner: RouteOwner;
  readonly #job: InJob | undefined;
  readonly #room = new WaitingRoom();
  #session = this.#newSession();
  #link: Link | undefined;
  /** The carrier that has the session, and the one that is about to. */
  #carrier: Carrier | undefined;
  #next: Carrier | undefined;
  /** The link on which a carrier was begun that has not ended. */
  #begunOn: Link | undefined;
  #pacing = new Pacing();
  #timer: NodeJS.Timeout | undefined;
  /** Whether a command must carry the session: sshd forbids to forward a socket, or the relay is on another machine. */
  #byCommand = false;
  #isClosed = false;
  #isOver = false;
  /** Number of consecutive commands that did not reach the relay. */
  #failed = 0;
  /** Whether the relay was started again since there was a carrier. */
  #wasRestarted = false;
  #message: string | undefined;

  constructor(place: RelayPlace, owner: RouteOwner, job?: InJob) {
    this.#place = place;
    this.#owner = owner;
    this.#job = job;
  }

  /** Whether its job has ended. Then nothing is tried any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isUp(): boolean {
    return this.#session.isAttached;
  }

  get message(): string | undefined {
    return this.#message;
  }

  get buffered(): number {
    return this.#room.size + this.#session.ledger.unconfirmed;
  }

  open(socket: Socket, target: string): void {
    const open = () => this.#session.open(socket, target);
    if (this.#isOver) this.#refuse(socket, target);
    else if (this.isUp) open();
    else this.#room.add(socket, target === '' ? { open, page: () => this.#owner.page() } : { open });
  }

  use(link: Link): void {
    if (this.#isOver) return;
    this.#link = link;
    // Why the former one was lost is no reason to give up this one.
    this.#message = undefined;
    this.#byCommand = this.#isStep(link);
    this.#pacing = new Pacing();
    void this.#begin();
  }

  probe(): void {
    this.#carrier?.probe();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#room.close((socket) => this.#owner.reopen(socket));
    const closed = this.#session.bye('the tunnel was closed');
    this.#next?.close('the tunnel was closed');
    return closed;
  }

  /** Whether a command of the scheduler reaches the relay over this link: it does not lead to the node itself. */
  #isStep(link: Link): boolean {
    return this.#job !== undefined && link.through === undefined;
  }

  #newSession(): Session {
    return new Session((why) => {
      this.#message = why;
      if (!this.#isClosed) this.#session = this.#newSession();
    });
  }

  /** Begins a carrier over the newest link. The one over the former link may still be there. */
  async #begin(): Promise<void> {
    clearTimeout(this.#timer);
    const link = this.#link;
    if (!link || link === this.#begunOn || this.#isOver) return;
    this.#begunOn = link;
    try {
      if (this.#byCommand) await this.#carryByCommand(link);
      else await this.#carryBySocket(link);
    } catch (error) {
      if (this.#begunOn === link) this.#begunOn = undefined;
      const { message } = error as Error;
      if (message === SILENT) this.#owner.silence(link, true);
      this.#lost(link, 0, message);
    }
  }

  async #carryBySocket(link: Link): Promise<void> {
    const socket = await link.dial(this.#place.socket);
    this.#carry(link, new Carrier(socket, socket, this.#options(link, SOCKET_GREETING_MS)));
  }

  async #carryByCommand(link: Link): Promise<void> {
    const within = this.#isStep(link) ? this.#job?.within : [];
    const child = await link.run(relayCommand(this.#place, 'join', within));
    child.once('error', () => {});
    let printed = '';
    child.stderr?.on('data', (chunk) => {
      printed = `${printed}${chunk}`.slice(-MAX_PRINTED);
    });
    const options = this.#options(link, COMMAND_GREETING_MS, () => printed.trim());
    if (!child.stdout || !child.stdin) return;
    // What has not ended with its carrier would wait for a host that does not respond.
    child.stdout.once('close', () => child.kill());
    this.#carry(link, new Carrier(child.stdout, child.stdin, options));
  }

  #carry(link: Link, carrier: Carrier): void {
    if (this.#isClosed || link !== this.#link) carrier.close('another link has taken its place');
    else this.#next = carrier;
  }

  /** @param reason what is known of the end of a carrier, besides what the carrier itself knows */
  #options(
    link: Link,
    greetingMs: number,
    reason: () => string | undefined = () => undefined,
  ): ConstructorParameters<typeof Carrier>[2] {
    return {
      session: () => this.#session,
      greetingMs,
      onOpen: (carrier) => {
        this.#next = undefined;
        this.#carrier = carrier;
        this.#message = undefined;
        this.#wasRestarted = false;
        this.#failed = 0;
        this.#room.release();
        this.#owner.silence(link, false);
        this.#owner.moved(link);
      },
      onSilence: (carrier, isSilent) => {
        link.stoodMs = Math.max(link.stoodMs, carrier.openMs);
        if (carrier === this.#carrier || carrier === this.#next) this.#owner.silence(link, isSilent);
      },
      onLost: (carrier, why) => {
        const stoodMs = carrier.openMs;
        link.stoodMs = Math.max(link.stoodMs, stoodMs);
        if (carrier === this.#next) this.#next = undefined;
        if (carrier === this.#carrier) this.#carrier = undefined;
        if (link !== this.#link) return;
        this.#begunOn = undefined;
        if (carrier.wasGreeted || this.#byCommand) this.#lost(link, stoodMs, reason() || why);
        // If sshd forbids the forward, or no relay listens, the carrier ends without a byte. A command shows which it is.
        else {
          this.#byCommand = true;
          void this.#begin();
        }
      },
    };
  }

  /** Begins another carrier over the same link, unless it has ended. @param why the last line says it */
  #lost(link: Link, stoodMs: number, why: string): void {
    const isGone = NO_RELAY.test(why);
    // The route is not given up before another relay was tried.
    if (!isGone || this.#wasRestarted || this.#job)
      this.#message = isGone ? 'no relay is running on the host' : why.split('\n').at(-1);
    if (this.#job?.isOver(why)) this.#end();
    else if (isGone) this.#job?.hasNoRelay(link);
    this.#owner.changed();
    if (this.#isClosed || this.#isOver || link !== this.#link || link.hasEnded) return;
    const seconds = this.#pauseAfter(link, { kind: 'lost', stoodMs });
    // What this end starts in a job would end with its command: the job keeps its relay.
    const again = isGone && !this.#job ? () => this.#startRelay(link) : () => this.#begin();
    this.#timer = setTimeout(again, Math.max(LEAST_PAUSE_MS, seconds * 1000));
  }

  /** Returns a number of seconds. The scheduler of a cluster is not asked often about a job that has ended. */
  #pauseAfter(link: Link, end: Parameters<Pacing['pauseAfter']>[0]): number {
    const seconds = this.#pacing.pauseAfter(end, performance.now());
    if (!this.#isStep(link)) return seconds;
    return this.#failed++ < STEP_TRIES ? Math.max(1, seconds) : STEP_PAUSE_S;
  }

  /** Its job has ended, and the server with it: what programs have open is reset. */
  #end(): void {
    this.#isOver = true;
    this.#message = 'the job has ended';
    void this.#session.bye(this.#message);
    this.#room.close((socket) => this.#refuse(socket, ''));
  }

  #refuse(socket: Socket, target: string): void {
    socket.on('error', () => {});
    if (target === '') socket.resume().end(this.#owner.page(this.#message));
    else socket.destroy();
  }

  /** Starts the relay, which has ended or was killed. */
  async #startRelay(link: Link): Promise<void> {
    this.#wasRestarted = true;
    await startRelay(link, this.#place);
    // It may be reached by a forward again.
    this.#byCommand = false;
    void this.#begin();
  }
}
