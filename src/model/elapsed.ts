const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const;

/**
 * The time since then in the largest unit: `2 min`; `0 s` if the clock of the host is ahead.
 * @param since ISO 8601, or in milliseconds since 1970, as `nowMs`
 */
export function elapsed(since: string | number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - new Date(since).getTime()) / 1000));
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ['s', 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/**
 * A time in ISO 8601, or null if there is none.
 * @param time in milliseconds since 1970; a host may report one that no calendar has
 */
export function isoTime(time: number | null | undefined): string | null {
  const date = new Date(time ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
