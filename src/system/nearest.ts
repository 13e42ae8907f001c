import { distance } from 'fastest-levenshtein';

/**
 * The candidate that was probably meant by a word that is none of them, if any is near enough. Letters in the wrong
 * order count twice as a distance, so of equals the one of the same length is meant.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const near = candidates.filter((candidate) => distance(word, candidate) <= Math.max(2, word.length / 3));
  const rank = (candidate: string) =>
    distance(word, candidate) * 100 + Math.abs(word.length - candidate.length);
  return near.sort((a, b) => rank(a) - rank(b))[0];
}
