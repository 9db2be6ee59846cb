/** Shares by which times, and words moved, may differ and are still taken for equal: the model is no more exact than that. */
const TIE = 0.01;

/** Whether something that takes or moves so much may be taken where another takes or moves `least`. */
export function isNear(amount: number, least: number): boolean {
  return amount <= (1 + TIE) * least;
}

/**
 * How choices are made: least time; among those that take hardly longer, the fewest words moved, which is what costs energy; among those
 * that move hardly more, least time again, and the first of equal ones.
 */
export function choose<Item>(
  items: readonly Item[],
  cyclesOf: (item: Item) => number,
  wordsOf: (item: Item) => number,
): Item {
  const frugal = near(near(items, cyclesOf), wordsOf);
  const fewestCycles = leastOf(frugal, cyclesOf);
  return frugal.find((item) => cyclesOf(item) === fewestCycles)!;
}

function near<Item>(items: readonly Item[], of: (item: Item) => number): Item[] {
  const least = leastOf(items, of);
  return items.filter((item) => isNear(of(item), least));
}

function leastOf<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((least, item) => Math.min(least, of(item)), Number.POSITIVE_INFINITY);
}
