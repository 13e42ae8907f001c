import type { Connection } from '../../ssh/arguments.ts';
import { Link } from './link.ts';

/** Number of commands of a scheduler over one ssh: sshd allows ten sessions (MaxSessions), and scripts need some. */
const STEPS_EACH = 8;

/**
 * The links whose sessions the commands of a scheduler have: that to the host, and where there are many commands, further
 * ones, which ask nothing. They end with their users, or when that to the host is replaced.
 */
export class StepLinks {
  readonly connection: Connection;
  readonly env: NodeJS.ProcessEnv;
  readonly #users = new Map<object, Link>();
  #base: Link | undefined;
  #further: Link[] = [];
  #beginning: Promise<void> | undefined;
  #count = 0;

  constructor(connection: Connection, env: NodeJS.ProcessEnv) {
    this.connection = connection;
    this.env = env;
  }

  /**
   * Returns the link to the host, or a further one if that has enough commands.
   * @param user what runs the command
   * @param base the link to the host
   */
  async linkFor(user: object, base: Link): Promise<Link> {
    if (base !== this.#base) this.#endFurther();
    this.#base = base;
    this.leave(user);
    const find = () => [base, ...this.#further].find((link) => this.#hasRoom(link));
    // Where another login needs an answer of the user, sshd may refuse the next session.
    if (!find()) {
      this.#beginning ??= this.#begin(base);
      await this.#beginning;
    }
    const link = find() ?? base;
    this.#users.set(user, link);
    return link;
  }

  /** Ends the further link of this user, if it was the last one. */
  leave(user: object): void {
    this.#users.delete(user);
    const isUsed = (link: Link) => [...this.#users.values()].includes(link);
    for (const link of this.#further) if (!isUsed(link)) void link.end();
    this.#further = this.#further.filter(isUsed);
  }

  #hasRoom(link: Link): boolean {
    return !link.hasEnded && [...this.#users.values()].filter((used) => used === link).length < STEPS_EACH;
  }

  async #begin(base: Link): Promise<void> {
    try {
      const link = await Link.begin(this.connection, this.env, {}, `more${++this.#count}`);
      const isUp = await link.loggedIn(new AbortController().signal);
      if (isUp && base === this.#base) this.#further.push(link);
      else void link.end();
    } catch {
      // The session is refused then, and the route shows why.
    } finally {
      this.#beginning = undefined;
    }
  }

  #endFurther(): void {
    for (const link of this.#further) void link.end();
    this.#further = [];
  }
}
