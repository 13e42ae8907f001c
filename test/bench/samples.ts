/** The measured values by the name of what was measured, in the order of the rounds. */
export type Samples = Map<string, number[]>;

/** One table of the report. */
export interface Section {
  readonly title: string;
  /** Endings of the names that become columns of their own, with medians only. */
  readonly columns?: readonly string[];
  readonly unit: 'ms' | 's' | 'kB' | 'MB' | 'MB/s';
  readonly samples: Samples;
  /** A table of words instead of figures. */
  readonly words?: { readonly head: readonly string[]; readonly body: readonly (readonly string[])[] };
  /** Sentences that compare the figures. */
  readonly findings: readonly string[];
}

export function add(samples: Samples, name: string, value: number): void {
  samples.set(name, [...(samples.get(name) ?? []), value]);
}

/** Does the work and adds the time that it took, in milliseconds. */
export async function timed<T>(samples: Samples, name: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  const result = await work();
  add(samples, name, performance.now() - begin);
  return result;
}

export function median(samples: Samples, name: string): number {
  const sorted = [...(samples.get(name) ?? [])].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** The median of `one` divided by the median of `other`. */
export function ratio(samples: Samples, one: string, other: string): string {
  return (median(samples, one) / median(samples, other)).toFixed(2);
}
