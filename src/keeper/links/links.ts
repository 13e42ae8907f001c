import { rmSync } from 'node:fs';
import { type Connection, resolveCommand } from '../../ssh/arguments.ts';
import { mainLine } from '../../ssh/causes/messages.ts';
import { attempt } from '../../system/errors.ts';
import { outputOf } from '../../system/run.ts';
import { Link } from './link.ts';
import { loginSettings } from './login-settings.ts';
import { type LinkEnd, Pacing } from './pacing.ts';
import { watchSleep } from './sleep.ts';
import { isSlow, lossIn, verdictOn } from './verdict.ts';

export type Phase = 'connecting' | 'connected' | 'reconnecting' | 'needs-login' | 'failed';

export interface LinksOwner {
  /** Called when another link is there. */
  connected(link: Link): void;
  /** Called after this machine has slept. */
  woke(): void;
  /** Called after each change of what `Links` shows. */
  changed(): void;
  /** Called for each event that a report shows: see events.ts. */
  event(kind: 'closed' | 'pause', text: string): void;
}

/**
 * Keeps a link to the host: logs in again when it is lost. A link that has fallen silent is kept until the next one has
 * logged in, since either may be the first that works.
 */
export class Links {
  phase: Phase = 'connecting';
  /** When the next login begins, in milliseconds since 1970. */
  nextTryAt: number | undefined;
  /** When the link was opened, or lost; in milliseconds since 1970. */
  since = Date.now();
  /** Why there is no link: in most cases what ssh and its proxy printed at the last try. */
  output: string | undefined;
  link: Link | undefined;
  readonly #connection: Connection;
  readonly #env: NodeJS.ProcessEnv;
  readonly #owner: LinksOwner;
  readonly #pacing = new Pacing();
  readonly #end = new AbortController();
  /** Number of logins that have begun since the last success. */
  #begun = 0;
  #next: Link | undefined;
  #former: Link | undefined;
  #isBeginning = false;
  /** Number of tries since the last success for which sshd was too slow. */
  #slowTries = 0;
  /** What ssh printed when a login beside this link needed an answer of the user. */
  #refusal: string | undefined;
  #resolved: string | undefined;
  #isSilent = false;
  #timer: NodeJS.Timeout | undefined;
  #settled: (() => void)[] = [];
  readonly #endWatch: () => void;

  constructor(connection: Connection, env: NodeJS.ProcessEnv, owner: LinksOwner) {
    this.#connection = connection;
    this.#env = env;
    this.#owner = owner;
    this.#endWatch = watchSleep(() => {
      this.hurry();
      owner.woke();
    });
  }

  /** The number of the login in progress, or else of the next one: 1 is the first since the last success. */
  get tries(): number {
    return this.nextTryAt === undefined ? this.#begun : this.#begun + 1;
  }

  /** Takes over the ssh that listens at a control path. Returns whether it responds. */
  async adopt(controlPath: string): Promise<boolean> {
    const link = await Link.adopt({ ...this.#connection, controlPath }, this.#env);
    if (!link) return false;
    this.#cancelNext();
    this.#up(link);
    return true;
  }

  /** Logs in now, unless there is a link, and waits until that has succeeded or failed. */
  async tryNow(): Promise<void> {
    if (this.phase === 'connected') return;
    const settled = new Promise<void>((resolve) => this.#settled.push(resolve));
    void this.#login();
    await settled;
  }

  /** Ends a pause, unless that would disturb the host: the user may just have come back online. */
  hurry(): void {
    if (this.#timer !== undefined && this.#pacing.mayHurry(performance.now())) void this.#login();
  }

  /** Notes that a link has fallen silent, or was heard again. */
  silence(link: Link, isSilent: boolean): void {
    if (link !== this.link || isSilent === this.#isSilent) return;
    this.#isSilent = isSilent;
    if (isSilent) {
      this.#away('the host does not respond', 'lost');
      // Each refused login could lock the user out, so there is one for a link that falls silent again and again.
      if (this.#refusal === undefined) this.#wait({ kind: 'lost', stoodMs: link.stoodMs });
      else this.#giveUp('needs-login', this.#refusal);
    } else {
      this.#cancelNext();
      this.#there();
    }
  }

  /** A session has moved to the newest link: the one before is of no use any more. */
  moved(): void {
    void this.#former?.end();
    this.#former = undefined;
  }

  async close(): Promise<void> {
    this.#end.abort();
    this.#endWatch();
    clearTimeout(this.#timer);
    await Promise.all([this.link, this.#next, this.#former].map((link) => link?.end()));
    this.#removeSocket();
  }

  async #login(): Promise<void> {
    if (this.#isBeginning || this.#next || this.#end.signal.aborted) return;
    this.#isBeginning = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.nextTryAt = undefined;
    this.#begun++;
    try {
      this.#resolved ??= await outputOf(resolveCommand(this.#connection));
      // Nobody would end an ssh that is started after the close.
      if (this.#end.signal.aborted) return;
      const settings = loginSettings(this.#resolved, this.#slowTries);
      const next = await Link.begin(this.#connection, this.#env, settings);
      this.#next = next;
      this.#owner.changed();
      if (await next.loggedIn(this.#end.signal)) this.#up(next);
      else {
        await next.ended;
        this.#refused(next);
      }
    } catch (error) {
      if (this.#end.signal.aborted) return;
      this.#away((error as Error).message, 'retry');
      this.#wait({ kind: 'refused' });
    } finally {
      this.#isBeginning = false;
    }
  }

  #up(link: Link): void {
    this.moved();
    this.#former = this.link;
    this.#next = undefined;
    this.#isSilent = false;
    this.#refusal = undefined;
    this.#slowTries = 0;
    link.takePlace(this.#connection);
    this.link = link;
    this.since = Date.now();
    void link.ended.then(() => this.#lost(link));
    this.#there();
    this.#owner.connected(link);
  }

  #there(): void {
    this.phase = 'connected';
    this.output = undefined;
    this.#begun = 0;
    this.#settle();
  }

  #lost(link: Link): void {
    if (link !== this.link || this.#end.signal.aborted) return;
    this.link = undefined;
    this.#removeSocket();
    const wasSilent = this.#isSilent;
    this.#isSilent = false;
    if (this.phase === 'connected') this.#away(lossIn(link.output()), 'lost');
    if (!wasSilent) this.#wait({ kind: 'lost', stoodMs: link.stoodMs });
  }

  /** ssh itself removes its control socket only where it has created it. */
  #removeSocket(): void {
    attempt(() => rmSync(this.#connection.controlPath, { force: true }));
  }

  /** A login has failed, or was given up. */
  #refused(next: Link): void {
    if (next !== this.#next) return;
    this.#next = undefined;
    const output = next.output();
    const verdict = verdictOn(output);
    if (isSlow(output)) this.#slowTries++;
    if (verdict === 'needs-login' || verdict === 'failed') this.#giveUp(verdict, output);
    else {
      this.#away(output, 'retry');
      this.#wait(verdict === 'unreachable' ? { kind: verdict, tookMs: next.ageMs } : { kind: 'refused' });
    }
    this.#settle();
  }

  #giveUp(phase: 'needs-login' | 'failed', output: string): void {
    this.phase = phase;
    this.output = output;
    if (phase === 'needs-login') this.#refusal = output;
    this.#owner.event('closed', `${phase} - ${mainLine(output)}`);
    this.#owner.changed();
  }

  #away(output: string, verdict: 'lost' | 'retry'): void {
    const since = verdict === 'lost' ? Math.floor(this.since / 1000) : '-';
    if (this.phase === 'connected') this.since = Date.now();
    this.phase = 'reconnecting';
    this.output = output;
    this.#owner.event('closed', `retry ${since} ${mainLine(output)}`);
    this.#owner.changed();
  }

  #wait(end: LinkEnd): void {
    if (this.#timer !== undefined || this.#end.signal.aborted) return;
    const seconds = this.#pacing.pauseAfter(end, performance.now());
    // At random up to a quarter longer, so that many machines do not come back to a host at the same moment.
    const pauseMs = seconds * 1000 * (1 + (end.kind === 'refused' ? Math.random() / 4 : 0));
    this.nextTryAt = Date.now() + pauseMs;
    if (seconds > 0) this.#owner.event('pause', `${this.tries} ${Math.round(seconds)}`);
    this.#timer = setTimeout(() => void this.#login(), pauseMs);
    this.#owner.changed();
  }

  #cancelNext(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.nextTryAt = undefined;
    void this.#next?.end();
    this.#next = undefined;
  }

  #settle(): void {
    for (const resolve of this.#settled.splice(0)) resolve();
    this.#owner.changed();
  }
}
