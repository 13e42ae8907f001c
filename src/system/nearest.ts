import { distance } from 'fastest-levenshtein';

/** The candidate most similar to a mistyped word, if any is similar enough; swapped letters favour the same length. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  // A letter or two resemble every short word.
  const most = Math.min(word.length - 1, Math.max(2, word.length / 3));
  const near = candidates.filter((candidate) => distance(word, candidate) <= most);
  const rank = (candidate: string) =>
    distance(word, candidate) * 100 + Math.abs(word.length - candidate.length);
  return near.sort((a, b) => rank(a) - rank(b))[0];
}
