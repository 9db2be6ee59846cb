import { accessesOf, evaluator } from './values/evaluate.ts';
import { type Instruction, UNIT } from './instruction.ts';
import { missesOf, pageTracker } from './pages.ts';

/** What the memory accesses of every iteration meet. */
export interface Forwarding {
  readonly loads: number;
  readonly stores: number;
  /**
   * [iteration * loads + load]: the youngest older store that overlaps it: -1 for none, else
   * 2 * (iterations ago * stores + store), plus 1 if the store does not hold all bytes that are loaded.
   */
  readonly sources: Int32Array;
  /** [iteration * accesses + access]: 1 if the access misses the first-level TLB. */
  readonly misses: Uint8Array;
  /** From this iteration on all are alike. */
  readonly periodicFrom: number;
}

/** Stores remembered: no more can be in flight. */
const HISTORY = 64;

/** Whether a block changes a register that it addresses memory with. */
function movesPointers(instructions: readonly Instruction[]): boolean {
  const written = new Set(
    instructions.flatMap((one) => (one.isStack ? [UNIT.stackPointer, ...one.writes] : one.writes)),
  );
  return instructions.some(
    ({ isStack, memory }) => isStack || [memory?.base, memory?.index].some((unit) => unit != null && written.has(unit)),
  );
}

/**
 * Follows the addresses of a block through its iterations. null: its loads never meet a store and its pages stay in the TLB.
 */
export function forwardingOf(instructions: readonly Instruction[], iterations: number): Forwarding | null {
  const accesses = accessesOf(instructions);
  if (accesses.length === 0) return null;
  const loads = accesses.filter((access) => !access.isStore).length;
  const stores = accesses.length - loads;
  const pointersMove = movesPointers(instructions);
  if (stores === 0 && !pointersMove) return null;
  const machine = evaluator(instructions, accesses);
  // Where no pointer moves, all iterations are as the second.
  let followed = pointersMove ? iterations : Math.min(iterations, 2);
  const sources = new Int32Array(iterations * loads).fill(-1);
  const pages = pageTracker(followed * accesses.length);
  const low = new Int32Array(HISTORY);
  const high = new Int32Array(HISTORY);
  const size = new Int32Array(HISTORY);
  const isKnown = new Uint8Array(HISTORY);
  let written = 0;
  let any = false;

  /** Code of the youngest store that bytes from `at` on overlap. */
  const find = (at: number, top: number, bytes: number, iteration: number): number => {
    for (let back = 1; back <= HISTORY && back <= written; back += 1) {
      const place = (written - back) % HISTORY;
      if (isKnown[place] === 0 || high[place] !== top) continue;
      const apart = (at - low[place]!) | 0;
      if (apart >= size[place]! || -apart >= bytes) continue;
      const store = written - back;
      const ago = iteration - Math.floor(store / stores);
      const isPartial = apart < 0 || apart + bytes > size[place]!;
      return 2 * (ago * stores + (store % stores)) + (isPartial ? 1 : 0);
    }
    return -1;
  };
  let together = 0;
  let iteration = 0;
  for (let isOver = false; iteration < followed && !isOver; iteration += 1) {
    machine.step();
    const motion = machine.motion();
    together = motion === 'apart' ? 0 : together + 1;
    // All stores remembered have moved with the loads: what those meet is what they met an iteration ago.
    const isRepeated = stores === 0 ? iteration > 0 : (together - 2) * stores >= HISTORY;
    const fetchesBefore = pages.fetches();
    let load = 0;
    for (let index = 0; index < accesses.length; index += 1) {
      const { isStore, sizeBytes } = accesses[index]!;
      const at = machine.low[index]!;
      const top = machine.high[index]!;
      const known = machine.known[index]!;
      if (known === 1) pages.touch(at >>> 12, iteration, iteration * accesses.length + index);
      if (isStore) {
        const place = written % HISTORY;
        low[place] = at;
        high[place] = top;
        size[place] = sizeBytes;
        isKnown[place] = known;
        written += 1;
        continue;
      }
      if (isRepeated) sources[iteration * loads + load] = sources[(iteration - 1) * loads + load]!;
      else if (known === 1) {
        const source = find(at, top, sizeBytes, iteration);
        sources[iteration * loads + load] = source;
        if (source >= 0) any = true;
      }
      load += 1;
    }
    isOver = isRepeated && motion === 'still' && pages.fetches() === fetchesBefore && pages.filledAt() === null;
  }
  followed = iteration;
  const misses = missesOf(pages, accesses.length);
  if (!any && misses === null) return null;
  const flags = new Uint8Array(iterations * accesses.length);
  if (misses !== null) flags.set(misses);
  repeatLast(sources, followed * loads, loads);
  repeatLast(flags, followed * accesses.length, accesses.length);
  const periodicFrom = Math.max(periodStart(sources, loads), periodStart(flags, accesses.length));
  return { loads, stores, sources, misses: flags, periodicFrom };
}

/** Fills the rows of `width` from `end` on with the one before. */
function repeatLast(rows: Int32Array | Uint8Array, end: number, width: number): void {
  for (let index = end; index < rows.length; index += 1) rows[index] = rows[index - width]!;
}

/** First row from which all rows of `width` are equal. */
function periodStart(rows: Int32Array | Uint8Array, width: number): number {
  let index = rows.length - 1;
  while (index >= width && rows[index] === rows[index - width]) index -= 1;
  return width === 0 || index < width ? 0 : Math.floor(index / width);
}
