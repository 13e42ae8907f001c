import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobPlace } from '../../model/relay-place.ts';
import { NODE_ALIAS, throughHost } from '../../ssh/arguments.ts';
import { mainLine } from '../../ssh/causes/messages.ts';
import { attempt } from '../../system/errors.ts';
import { Link } from './link.ts';
import { Pacing } from './pacing.ts';
import { verdictOn } from './verdict.ts';

export interface NodeOwner {
  /** Called when an ssh has logged in to the node. */
  up(link: Link): void;
  /** Called when it has ended; another one is begun. */
  lost(link: Link): void;
  /** Called when the node, or the host, did not let it in. `isFinal`: another login would not help. */
  refused(reason: string, isFinal: boolean): void;
}

/** What ssh prints if sshd of the host could not, or would not, connect to that of the node: without a control socket, and with one. */
const NO_WAY = /open failed: |Stdio forwarding request failed/;

/** A number that no other link of this process has. */
let count = 0;

/** Keeps an ssh to the node of a batch job, through a link to its host, and begins another one when it is lost. */
export class NodeLink {
  readonly #place: JobPlace;
  readonly #env: NodeJS.ProcessEnv;
  readonly #owner: NodeOwner;
  readonly #end = new AbortController();
  readonly #pacing = new Pacing();
  #base: Link | undefined;
  #link: Link | undefined;
  /** The one that still carries the session. */
  #former: Link | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(place: JobPlace, env: NodeJS.ProcessEnv, owner: NodeOwner) {
    this.#place = place;
    this.#env = env;
    this.#owner = owner;
  }

  /** Logs in through this link, beside the ssh through the former one. */
  use(base: Link): void {
    this.#base = base;
    void this.#begin(base);
  }

  /** The session has moved to the newest ssh: the one before is of no use any more. */
  moved(): void {
    void this.#former?.end();
    this.#former = undefined;
  }

  /** Ends the ssh that there is, and begins no other until the next link. */
  giveUp(): void {
    this.#base = undefined;
    clearTimeout(this.#timer);
    this.moved();
    void this.#link?.end();
    this.#link = undefined;
  }

  close(): void {
    this.#end.abort();
    this.giveUp();
  }

  async #begin(base: Link): Promise<void> {
    clearTimeout(this.#timer);
    const name = `n${++count}`;
    const hostKeys = join(base.connection.folder, `${name}-keys`);
    try {
      const lines = this.#place.hostKeys.map((key) => `${NODE_ALIAS} ${key}\n`);
      writeFileSync(hostKeys, lines.join(''), { mode: 0o600 });
      const settings = throughHost(base.connection, this.#place.node, hostKeys);
      const link = await Link.begin(base.connection, this.#env, settings, name, base);
      if (await link.loggedIn(this.#end.signal)) this.#up(link, base);
      else {
        await link.ended;
        if (base === this.#base) this.#refused(link.output());
      }
    } catch (error) {
      if (!this.#end.signal.aborted && base === this.#base) this.#refused((error as Error).message);
    } finally {
      attempt(() => rmSync(hostKeys, { force: true }));
    }
  }

  #up(link: Link, base: Link): void {
    void link.ended.then(() => this.#lost(link, base));
    if (base !== this.#base || this.#end.signal.aborted) {
      void link.end();
      return;
    }
    this.moved();
    this.#former = this.#link;
    this.#link = link;
    void link.sendAtOnce();
    this.#owner.up(link);
  }

  #lost(link: Link, base: Link): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    this.#owner.lost(link);
    if (base !== this.#base || base.hasEnded) return;
    const seconds = this.#pacing.pauseAfter({ kind: 'lost', stoodMs: link.stoodMs }, performance.now());
    this.#timer = setTimeout(() => void this.#begin(base), seconds * 1000);
  }

  #refused(output: string): void {
    const verdict = verdictOn(output);
    const isFinal = ['needs-login', 'failed'].includes(verdict) || NO_WAY.test(output);
    // ssh names the host there, since it does not know where its proxy leads.
    this.#owner.refused(mainLine(output).replace(/^\S+@\S+: /, ''), isFinal);
  }
}
