/** Longest state kept: what does not fit is not folded. */
const STATE_WORDS = 8192;
/** States kept; a longer warm-up is simulated to its end. */
const STATES = 256;

/** Finds the iteration at which the state of a loop recurs. */
export interface SteadyState {
  /** Iterations since the same state was seen last, or null. `save` writes the state and gives its length. */
  readonly see: (save: (into: Int32Array) => number, iteration: number) => number | null;
}

const scratch = new Int32Array(STATE_WORDS);

export function steadyState(): SteadyState {
  const seen = new Map<number, { readonly state: Int32Array; readonly iteration: number }>();
  return {
    see(save, iteration) {
      const length = save(scratch);
      if (length > STATE_WORDS || seen.size >= STATES) return null;
      let hash = length;
      for (let index = 0; index < length; index += 1) hash = (Math.imul(hash, 31) + scratch[index]!) | 0;
      const same = seen.get(hash);
      if (same !== undefined && same.state.length === length) {
        let index = 0;
        while (index < length && same.state[index] === scratch[index]) index += 1;
        if (index === length) return iteration - same.iteration;
      }
      seen.set(hash, { state: scratch.slice(0, length), iteration });
      return null;
    },
  };
}
