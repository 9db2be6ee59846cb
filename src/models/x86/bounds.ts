import type { Prepared } from './predict.ts';
import type { X86Spec } from './spec.ts';
import { UNITS } from './instruction.ts';
import { LOAD, MOVE } from './tables.ts';

/** What a block cannot be faster than, in cycles per iteration, by what sets it; the largest is the bottleneck. */
export interface Bounds {
  readonly cycles: Readonly<Record<string, number>>;
  readonly bottleneck: string;
  /** Instructions of the longest dependence chain. */
  readonly chain: readonly number[];
}

/** Cycles per iteration of the front end alone, with a queue that is never full. */
function frontEndBound({ frontEnd, tables }: Prepared): number {
  const source = frontEnd(null);
  const cyclesTo = (slots: number): number => {
    let cycles = 0;
    for (let delivered = 0; delivered < slots; cycles += 1) delivered += source.step(64);
    return cycles;
  };
  // Whole periods of the 16-byte windows, after as many to fill the queues.
  const iterations = 32;
  cyclesTo(iterations * tables.slots);
  return cyclesTo(iterations * tables.slots) / iterations;
}

const CHAIN_ITERATIONS = 32;

/** Longest chain of dependences with unlimited resources: cycles per iteration, and its instructions. */
function chainBound({ tables, forwarding, program }: Prepared, spec: X86Spec): { cycles: number; chain: number[] } {
  const count = tables.uops;
  const done = new Float64Array(CHAIN_ITERATIONS * count);
  const cause = new Int32Array(CHAIN_ITERATIONS * count).fill(-1);
  const writer = new Int32Array(UNITS).fill(-1);
  const last = new Int32Array(CHAIN_ITERATIONS);
  for (let iteration = 0; iteration < CHAIN_ITERATIONS; iteration += 1) {
    const base = iteration * count;
    for (let place = 0; place < count; place += 1) {
      const uop = base + place;
      let ready = 0;
      const need = (producer: number): void => {
        if (producer < 0 || done[producer]! <= ready) return;
        ready = done[producer]!;
        cause[uop] = producer;
      };
      for (const unit of tables.reads[place]!) need(writer[unit]!);
      for (const other of tables.after[place]!) need(base + other);
      let latency = tables.kind[place] === MOVE ? 0 : tables.latency[place]!;
      const load = tables.loadNumber[place]!;
      if (forwarding !== null && load >= 0) {
        const source = forwarding.sources[iteration * forwarding.loads + load]!;
        if (source >= 0 && (source & 1) === 0) {
          const store = (source >> 1) % forwarding.stores;
          const ago = Math.floor((source >> 1) / forwarding.stores);
          need((iteration - ago) * count + tables.storeDataPlaces[store]!);
          latency = tables.isVector[place] === 1 ? spec.memory.vectorForwardCycles : spec.memory.forwardCycles;
        }
      } else if (tables.kind[place] === LOAD && tables.isPointerLoad[place] === 1) {
        latency = Math.min(latency, spec.memory.pointerLoadCycles);
      }
      done[uop] = ready + latency;
      if (done[uop]! >= done[last[iteration]!]! || last[iteration]! < base) last[iteration] = uop;
      for (const unit of tables.writes[place]!) writer[unit] = uop;
    }
  }
  const order = program.slots.flat();
  const chain = new Set<number>();
  const end = last[CHAIN_ITERATIONS - 1]!;
  for (let uop = end; uop >= 0 && uop > end - 4 * count; uop = cause[uop]!)
    chain.add(program.uops[order[uop % count]!]!.instruction);
  const half = CHAIN_ITERATIONS / 2;
  const cycles = (done[end]! - done[last[half - 1]!]!) / half;
  return { cycles, chain: [...chain].sort((a, b) => a - b) };
}

/** Lower bounds of a block and what sets them. `portUops`: micro-ops each port executes per iteration. */
export function boundsOf(block: Prepared, portUops: readonly number[], spec: X86Spec): Bounds {
  const { cycles: chainCycles, chain } = chainBound(block, spec);
  const busy = block.tables.occupancy.reduce((sum, cycles) => sum + (cycles > 1 ? cycles : 0), 0);
  const cycles: Record<string, number> = {
    'front end': frontEndBound(block),
    renamer: block.tables.slots / spec.renamer.slots,
    retirement: block.tables.slots / spec.backEnd.retireSlots,
    'dependence chain': chainCycles,
    divider: busy,
  };
  portUops.forEach((uops, port) => {
    cycles[`port ${port}`] = uops;
  });
  const [bottleneck] = Object.entries(cycles).reduce((worst, one) => (one[1] > worst[1] + 1e-9 ? one : worst));
  return { cycles, bottleneck, chain };
}
