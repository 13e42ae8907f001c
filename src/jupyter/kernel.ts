/** A kernel as its server tells it. */
export interface Kernel {
  readonly id: string;
  /** The path of its notebook, as the server names it; null for one that was started without. */
  readonly notebook: string | null;
  /** Its kind: python3, ir. */
  readonly name: string;
  /** `idle`, `busy`, `starting` and more: Jupyter's own words. */
  readonly state: string;
  /** ISO 8601. */
  readonly lastActivity: string;
}
