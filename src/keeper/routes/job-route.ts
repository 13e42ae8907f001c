import type { Socket } from 'node:net';
import { schedulerNamed } from '../../launchers/launchers.ts';
import type { JobPlace, RelayPlace } from '../../model/relay-place.ts';
import type { Link } from '../links/link.ts';
import { NodeLink } from '../links/node-link.ts';
import type { StepLinks } from '../links/step-links.ts';
import { NO_RELAY } from './relay-command.ts';
import { RelayRoute } from './relay-route.ts';
import type { Route, RouteOwner } from './route.ts';
import { readWay, rememberWay } from './ways.ts';

/** Time in which a session must move to an ssh to the node, before that is given up. */
const MOVE_TIMEOUT_MS = 20_000;
/** A job starts a relay that was killed again within seconds: without one for longer, its server has ended. */
const GONE_MS = 30_000;
/** The pause before a node that could not be reached is tried again; it doubles where there is another way. */
const PAUSE_MS = 30_000;
const MAX_PAUSE_MS = 16 * PAUSE_MS;

/**
 * The way to a server in a batch job, on a node that only the host reaches. There are two: a command of the scheduler on the
 * host, which runs in the job and needs nothing else, and an ssh to the node through that to the host, which is faster, but
 * which not every cluster allows. What was found out is remembered for the next job.
 */
export class JobRoute implements Route, RouteOwner {
  readonly #relay: RelayRoute;
  readonly #node: NodeLink;
  readonly #steps: StepLinks;
  readonly #owner: RouteOwner;
  readonly #hasStep: boolean;
  readonly #hasKeys: boolean;
  #base: Link | undefined;
  /** The link that the command of the scheduler has; undefined while it is not wanted. */
  #stepLink: Link | undefined;
  #moveTimer: NodeJS.Timeout | undefined;
  #nextTry: NodeJS.Timeout | undefined;
  #pauseMs = PAUSE_MS;
  #usesNode = false;
  /** Since when no relay has been running, by the steady clock. */
  #goneAt: number | undefined;
  /** Why there is no ssh to the node. */
  #refusal: string | undefined;
  /** Why another login would not help. It may be the end of the job, as long as that was not reached another way. */
  #closedBecause: string | undefined;

  constructor(place: RelayPlace, job: JobPlace, steps: StepLinks, owner: RouteOwner) {
    const launcher = schedulerNamed(job.scheduler);
    const within = launcher?.within(job.id);
    this.#relay = new RelayRoute(place, this, {
      within: within ?? [],
      isOver: (why) => launcher?.isOver(why) === true || this.#isGone(why),
      hasNoRelay: (link) => this.#hasNoRelay(link),
    });
    this.#hasStep = within !== undefined;
    this.#hasKeys = job.hostKeys.length > 0;
    this.#steps = steps;
    this.#owner = owner;
    this.#node = new NodeLink(job, steps.env, {
      up: (link) => this.#useNode(link),
      lost: () => void this.#useStep(),
      refused: (reason, isFinal) => this.#refused(reason, isFinal),
    });
  }

  get isUp(): boolean {
    return this.#relay.isUp;
  }

  get message(): string | undefined {
    const { message } = this.#relay;
    if (this.#relay.isUp || this.#relay.isOver || this.#refusal === undefined) return message;
    if (message === undefined && this.#hasStep) return undefined;
    return [message, `ssh to the node: ${this.#refusal}`].filter(Boolean).join('; ');
  }

  get buffered(): number {
    return this.#relay.buffered;
  }

  open(socket: Socket, target: string): void {
    this.#relay.open(socket, target);
  }

  /** A way that is known to work comes first. The session moves from the one to the other without a loss. */
  use(base: Link): void {
    if (this.#relay.isOver) return;
    this.#base = base;
    this.#clearTimers();
    this.#pauseMs = PAUSE_MS;
    this.#refusal = undefined;
    const known = readWay(this.#steps.connection);
    const triesNode = this.#hasKeys && (known?.isOpen !== false || !this.#hasStep);
    if (triesNode) this.#node.use(base);
    else this.#refusal = this.#hasKeys ? known?.reason : 'the job found no key of its sshd';
    if (!triesNode || !known?.isOpen) void this.#useStep();
  }

  probe(): void {
    this.#relay.probe();
  }

  async close(): Promise<void> {
    this.#leave();
    await this.#relay.close();
    this.#node.close();
  }

  changed(): void {
    // A node may let us in until all processes of the job have ended.
    if (this.#relay.isOver) this.#leave();
    this.#owner.changed();
  }

  moved(link: Link): void {
    clearTimeout(this.#moveTimer);
    if (link.through) {
      this.#pauseMs = PAUSE_MS;
      this.#closedBecause = undefined;
      rememberWay(this.#steps.connection, true);
      this.#stepLink = undefined;
      this.#steps.leave(this);
    } else this.#rememberClosed();
    this.#node.moved();
    this.#goneAt = undefined;
    this.#owner.moved(this.#hostLink(link));
  }

  reopen(socket: Socket): void {
    this.#owner.reopen(socket);
  }

  silence(link: Link, isSilent: boolean): void {
    this.#owner.silence(this.#hostLink(link), isSilent);
  }

  page(ended?: string): string {
    return this.#owner.page(ended);
  }

  #isGone(why: string): boolean {
    if (!NO_RELAY.test(why)) this.#goneAt = undefined;
    else this.#goneAt ??= performance.now();
    return this.#goneAt !== undefined && performance.now() - this.#goneAt > GONE_MS;
  }

  /** The scheduler knows whether the job has ended: an sshd of the node may let us in all the same. */
  #hasNoRelay(link: Link): void {
    if (!link.through || !this.#hasStep) return;
    this.#node.giveUp();
    this.#refused('no relay is running on the node', false);
  }

  /** Uses no link any more. */
  #leave(): void {
    this.#clearTimers();
    this.#base = undefined;
    this.#node.giveUp();
    this.#steps.leave(this);
  }

  #clearTimers(): void {
    clearTimeout(this.#moveTimer);
    clearTimeout(this.#nextTry);
  }

  /** The link to the host on which this one depends, or which has to be replaced if this one is silent. */
  #hostLink(link: Link): Link {
    return link.through ?? (link === this.#stepLink ? this.#base : undefined) ?? link;
  }

  async #useStep(): Promise<void> {
    const base = this.#base;
    if (!this.#hasStep || !base || base.hasEnded) {
      this.#owner.changed();
      return;
    }
    this.#usesNode = false;
    const link = await this.#steps.linkFor(this, base);
    if (base !== this.#base || this.#usesNode) return;
    this.#stepLink = link;
    this.#relay.use(link);
    if (link === base) return;
    await link.ended;
    if (link === this.#stepLink) void this.#useStep();
  }

  #useNode(link: Link): void {
    this.#refusal = undefined;
    this.#usesNode = true;
    this.#relay.use(link);
    clearTimeout(this.#moveTimer);
    this.#moveTimer = setTimeout(() => {
      this.#node.giveUp();
      this.#refused(this.#relay.message ?? 'no response', true);
    }, MOVE_TIMEOUT_MS);
  }

  #refused(reason: string, isFinal: boolean): void {
    this.#refusal = reason;
    clearTimeout(this.#moveTimer);
    if (isFinal) this.#closedBecause = reason;
    if (this.#stepLink && this.#relay.isUp) this.#rememberClosed();
    if (this.#hasStep) void this.#useStep();
    const base = this.#base;
    if (base && !(this.#hasStep && isFinal)) {
      clearTimeout(this.#nextTry);
      this.#nextTry = setTimeout(() => this.#node.use(base), this.#pauseMs);
      if (this.#hasStep) this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
    }
    this.#owner.changed();
  }

  /** For the next job: a node that is reached by a step only has refused ssh for good, not since its job has ended. */
  #rememberClosed(): void {
    if (this.#closedBecause !== undefined) rememberWay(this.#steps.connection, false, this.#closedBecause);
  }
}
