import { closest, distance } from 'fastest-levenshtein';

/** The known name nearest to what was typed, if it is near enough to be what was meant. */
export function suggestion(typed: string, known: readonly string[]): string | null {
  if (known.length === 0) return null;
  const lower = typed.toLowerCase();
  const nearest = closest(lower, known);
  if (nearest.startsWith(lower) || lower.startsWith(nearest)) return nearest;
  return distance(lower, nearest) <= Math.max(2, Math.floor(typed.length / 3)) ? nearest : null;
}

/** `did you mean X?`, or the list of what there is. */
export function didYouMean(typed: string, known: readonly string[]): string {
  const nearest = suggestion(typed, known);
  return nearest === null ? `use one of: ${known.join(', ')}` : `did you mean ${nearest}?`;
}
