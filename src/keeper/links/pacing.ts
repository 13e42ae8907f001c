/** How one attempt to keep a link to the host has ended. */
export type LinkEnd =
  /** ssh had logged in, and has carried a session for this long, in milliseconds. */
  | { readonly kind: 'lost'; readonly stoodMs: number }
  /** The host has responded, but ssh could not log in. */
  | { readonly kind: 'refused' }
  /** The host could not be reached, which took this long to find out, in milliseconds. */
  | { readonly kind: 'unreachable'; readonly tookMs: number };

/** A link that carried a session for this long was a good one. */
const STEADY_MS = 5000;
/** Number of tries within a minute that begin at once. */
const AT_ONCE = 10;
const MINUTE_MS = 60_000;
/** The pauses after that many, in seconds. */
const PAUSES = [1, 2, 4, 5] as const;
/** Number of links in a row that were lost at once, after which the host is asked rarely. */
const SHORT_LINKS = 20;
const MAX_S = 30;

/**
 * When to log in again. A login that succeeded is followed by another one at once, since links of travelling laptops are
 * lost often. A host that refuses us is asked ever more rarely, and so is one that logs us in and drops us: each login
 * costs it something, and it may lock the user out.
 */
export class Pacing {
  /** When the last tries that were made at once have begun. */
  #atOnce: number[] = [];
  #step = 0;
  #shortLinks = 0;
  #failures = 0;
  #lostAt: number | undefined;
  #disturbs = false;
  #hurriedAt = -Infinity;

  /** @param at now, in milliseconds of a steady clock. Returns the pause before the next try, in seconds. */
  pauseAfter(end: LinkEnd, at: number): number {
    this.#disturbs = end.kind !== 'unreachable';
    if (end.kind === 'lost') {
      this.#failures = 0;
      this.#lostAt = at;
      this.#shortLinks = end.stoodMs >= STEADY_MS ? 0 : this.#shortLinks + 1;
      return this.#shortLinks >= SHORT_LINKS ? MAX_S : this.#pauseAfterLogin(at);
    }
    this.#failures++;
    this.#lostAt ??= at;
    // Where nobody is reached, nobody is disturbed: tries begin at intervals of 1/30 of the time since the loss.
    const seconds =
      end.kind === 'unreachable' ? ((at - this.#lostAt) / 30 - end.tookMs) / 1000 : 2 ** (this.#failures - 1);
    return Math.min(MAX_S, Math.max(1, seconds));
  }

  /**
   * Whether a try may begin before its time because the user may just have come back online. A `status` that refreshes asks for
   * one again and again, and a host that has responded must not be disturbed by each of them.
   * @param at now, in milliseconds of a steady clock
   */
  mayHurry(at: number): boolean {
    if (!this.#disturbs) return true;
    if (at - this.#hurriedAt < MAX_S * 1000) return false;
    this.#hurriedAt = at;
    return true;
  }

  #pauseAfterLogin(at: number): number {
    this.#atOnce = this.#atOnce.filter((begun) => at - begun < MINUTE_MS);
    if (this.#atOnce.length < AT_ONCE) {
      this.#atOnce.push(at);
      this.#step = 0;
      return 0;
    }
    return PAUSES[Math.min(this.#step++, PAUSES.length - 1)] ?? 5;
  }
}
