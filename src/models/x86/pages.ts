/** First-level data TLB: 64 entries, 4 ways (Intel's optimisation manual, Skylake). */
const SETS = 16;
const WAYS = 4;
/** Pages that a measurement may touch: blocks that need more were measured with fewer iterations. */
const MEASURED_PAGES = 48;

/** Notes which accesses are the first of their iteration to a page that was not in the TLB, or follow it in that iteration. */
export interface PageTracker {
  readonly touch: (page: number, iteration: number, access: number) => void;
  /** By access: 1 + set of a page that had to be fetched. */
  readonly fetched: Uint8Array;
  readonly pagesOfSet: Int32Array;
  /** Pages fetched so far. */
  readonly fetches: () => number;
  /** Iteration in which the last page of a measurement was fetched; null if there are fewer pages. */
  readonly filledAt: () => number | null;
}

export function pageTracker(accesses: number): PageTracker {
  const fetched = new Uint8Array(accesses);
  const pagesOfSet = new Int32Array(SETS);
  const pages = new Int32Array(SETS * WAYS).fill(-1);
  const since = new Int32Array(SETS * WAYS).fill(-1);
  let distinct = 0;
  let fetches = 0;
  let filled: number | null = null;
  return {
    fetched,
    pagesOfSet,
    fetches: () => fetches,
    filledAt: () => filled,
    touch(page, iteration, access) {
      const set = page % SETS;
      const first = set * WAYS;
      let way = 0;
      while (way < WAYS && pages[first + way] !== page) way += 1;
      let fetchedIn = since[first + way]!;
      if (way === WAYS) {
        way = WAYS - 1;
        fetchedIn = iteration;
        fetches += 1;
        if (distinct < MEASURED_PAGES) {
          distinct += 1;
          pagesOfSet[set]! += 1;
          if (distinct === MEASURED_PAGES) filled = iteration;
        }
      }
      if (fetchedIn === iteration && iteration > 0) fetched[access] = 1 + set;
      for (let other = first + way; other > first; other -= 1) {
        pages[other] = pages[other - 1]!;
        since[other] = since[other - 1]!;
      }
      pages[first] = page;
      since[first] = fetchedIn;
    },
  };
}

/**
 * Accesses that miss run after run: those to sets with more pages than ways. Iterations beyond what a measurement runs repeat
 * the later half of it. null: none.
 */
export function missesOf(pages: PageTracker, accessesPerIteration: number): Uint8Array | null {
  if (pages.pagesOfSet.every((count) => count <= WAYS)) return null;
  const misses = new Uint8Array(pages.fetched.length);
  const filledAt = pages.filledAt();
  let any = false;
  for (let index = 0; index < misses.length; index += 1) {
    const fetched = pages.fetched[index]!;
    const isBeyond = filledAt !== null && Math.floor(index / accessesPerIteration) > filledAt;
    if (isBeyond) misses[index] = misses[index - Math.max(1, filledAt >> 1) * accessesPerIteration]!;
    else if (fetched > 0 && pages.pagesOfSet[fetched - 1]! > WAYS) misses[index] = 1;
    if (misses[index] === 1) any = true;
  }
  return any ? misses : null;
}
