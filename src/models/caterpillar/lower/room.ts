/** Room at each of so many points of time. Both questions take steps with the logarithm of their number. */
export interface Room {
  /** The least room from one point to another, both included. */
  least(first: number, last: number): number;
  take(first: number, last: number, amount: number): void;
}

/** The same room at all `points`, of which there is at least one. A tree over spans of time: each half of a span has a node of its own. */
export function roomOf(points: number, capacity: number): Room {
  const nodes = 2 * 2 ** Math.ceil(Math.log2(points));
  /** Least room of a node's span, without what was taken from spans that it is in as a whole. */
  const least = new Float64Array(nodes).fill(capacity);
  /** What was taken from the whole of a node's span. */
  const taken = new Float64Array(nodes);

  const leastOf = (node: number, from: number, to: number, first: number, last: number): number => {
    if (last < from || first > to) return Number.POSITIVE_INFINITY;
    if (first <= from && to <= last) return least[node]!;
    const middle = (from + to) >> 1;
    const [left, right] = [2 * node, 2 * node + 1];
    const below = Math.min(leastOf(left, from, middle, first, last), leastOf(right, middle + 1, to, first, last));
    return below - taken[node]!;
  };
  const takeFrom = (node: number, from: number, to: number, first: number, last: number, amount: number): void => {
    if (last < from || first > to) return;
    if (first <= from && to <= last) {
      least[node]! -= amount;
      taken[node]! += amount;
      return;
    }
    const middle = (from + to) >> 1;
    takeFrom(2 * node, from, middle, first, last, amount);
    takeFrom(2 * node + 1, middle + 1, to, first, last, amount);
    least[node] = Math.min(least[2 * node]!, least[2 * node + 1]!) - taken[node]!;
  };
  return {
    least: (first, last) => leastOf(1, 0, points - 1, first, last),
    take: (first, last, amount) => takeFrom(1, 0, points - 1, first, last, amount),
  };
}
