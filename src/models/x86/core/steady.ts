/** Longest state kept: what does not fit is not folded. */
const STATE_WORDS = 8192;
/** States kept; a longer warm-up is simulated to its end. */
const STATES = 256;

/** Finds the iteration at which the state of a loop recurs. */
export interface SteadyState {
  /** Iterations since the same state was seen last, or null. `save` writes the state from `at` on and gives its end. */
  readonly see: (save: (into: Int32Array, at: number) => number, iteration: number) => number | null;
}

/** States one after the other, of one simulation at a time. */
const kept = new Int32Array(STATES * STATE_WORDS);

interface Kept {
  readonly start: number;
  readonly length: number;
  readonly iteration: number;
}

export function steadyState(): SteadyState {
  const seen = new Map<number, Kept>();
  let looks = 0;
  let start = 0;
  const isSame = (one: Kept, length: number): boolean => {
    if (one.length !== length) return false;
    let index = 0;
    while (index < length && kept[one.start + index] === kept[start + index]) index += 1;
    return index === length;
  };
  return {
    see(save, iteration) {
      if (looks === STATES) return null;
      const end = save(kept, start);
      const length = end - start;
      if (length > STATE_WORDS) return null;
      let hash = length;
      for (let index = start; index < end; index += 1) hash = (Math.imul(hash, 31) + kept[index]!) | 0;
      const same = seen.get(hash);
      if (same !== undefined && isSame(same, length)) return iteration - same.iteration;
      seen.set(hash, { start, length, iteration });
      looks += 1;
      start = end;
      return null;
    },
  };
}
