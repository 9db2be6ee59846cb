import { decoders } from './front-end.ts';
import { UNITS } from './instruction.ts';
import type { Prepared } from './predict.ts';
import type { X86Spec } from './spec.ts';
import { COMPUTE, LOAD, MOVE, STORE_DATA } from './tables.ts';

/** What a block cannot be faster than, in cycles per iteration, by what sets it; the largest is the bottleneck. */
export interface Bounds {
  readonly cycles: Readonly<Record<string, number>>;
  readonly bottleneck: string;
  /** Instructions of the longest dependence chain from iteration to iteration, in the order of the block; none without one. */
  readonly chain: readonly number[];
}

/** Whole periods of the 16-byte windows of unrolled code. */
const FRONT_ITERATIONS = 32;
/** More than any queue holds: nobody waits for its other end. */
const UNLIMITED = 64;

/** Cycles per iteration in which `step` makes the issue slots of an iteration, once the queues are full. */
function cyclesOf(step: () => number, slots: number): number {
  const cyclesTo = (count: number): number => {
    let cycles = 0;
    for (let delivered = 0; delivered < count; cycles += 1) delivered += step();
    return cycles;
  };
  cyclesTo(FRONT_ITERATIONS * slots);
  return cyclesTo(FRONT_ITERATIONS * slots) / FRONT_ITERATIONS;
}

/** The front end alone, before a queue that is never full, by the stage that holds it back. */
function frontEndBound({ frontEnd, tables, program }: Prepared, spec: X86Spec): { stage: string; cycles: number } {
  let isDecoded = false;
  const source = frontEnd(() => {
    isDecoded = true;
  });
  const cycles = cyclesOf(() => source.step(UNLIMITED), tables.slots);
  if (!isDecoded) return { stage: 'micro-op cache', cycles };
  const decode = decoders(program.frontEnd, spec.frontEnd, program.frontEnd.length > program.instructions.length);
  const decodeCycles = cyclesOf(() => decode.step(UNLIMITED, UNLIMITED).slots, tables.slots);
  return { stage: decodeCycles < cycles - 1e-9 ? 'predecoder' : 'decoders', cycles };
}

const CHAIN_ITERATIONS = 32;

interface Chain {
  readonly cycles: number;
  readonly instructions: number[];
  /** How it leads through memory, if it does: loads that take their data from stores in flight, or wait for their write. */
  readonly memory: 'forwarded' | 'blocked' | null;
}

const REGISTER = 0;
const FORWARDED = 1;
const BLOCKED = 2;
const MEMORY = [null, 'forwarded', 'blocked'] as const;
const CHAIN_NAMES = { forwarded: 'store forwarding', blocked: 'blocked store forwarding' } as const;

/**
 * Longest chain of dependences with unlimited resources. A load that a store in flight cannot give all its bytes waits for the
 * store's write, which comes after all that is older has retired.
 */
function chainBound({ tables, forwarding, program }: Prepared, spec: X86Spec): Chain {
  const { reads, writes, after } = tables;
  const count = tables.uops;
  const done = new Float64Array(CHAIN_ITERATIONS * count);
  const cause = new Int32Array(CHAIN_ITERATIONS * count).fill(-1);
  const link = new Uint8Array(CHAIN_ITERATIONS * count);
  // The micro-op that, of all up to this one, is done last: none of them retires before.
  const slowest = new Int32Array(CHAIN_ITERATIONS * count);
  const writer = new Int32Array(UNITS).fill(-1);
  const last = new Int32Array(CHAIN_ITERATIONS);
  for (let iteration = 0; iteration < CHAIN_ITERATIONS; iteration += 1) {
    const base = iteration * count;
    for (let place = 0; place < count; place += 1) {
      const uop = base + place;
      let ready = 0;
      const need = (producer: number, kind: number): void => {
        if (producer < 0) return;
        const at = kind === BLOCKED ? done[slowest[producer]!]! + 1 : done[producer]!;
        if (at <= ready) return;
        ready = at;
        cause[uop] = producer;
        link[uop] = kind;
      };
      for (let at = reads.start[place]!; at < reads.start[place + 1]!; at += 1)
        need(writer[reads.items[at]!]!, REGISTER);
      for (let at = after.start[place]!; at < after.start[place + 1]!; at += 1) need(base + after.items[at]!, REGISTER);
      let latency = tables.kind[place] === MOVE ? 0 : tables.latency[place]!;
      const load = tables.loadNumber[place]!;
      const source = forwarding === null || load < 0 ? -1 : forwarding.sources[iteration * forwarding.loads + load]!;
      if (forwarding !== null && source >= 0) {
        const store = (source >> 1) % forwarding.stores;
        const data =
          (iteration - Math.floor((source >> 1) / forwarding.stores)) * count + tables.storeDataPlaces[store]!;
        if ((source & 1) === 0) {
          need(data, FORWARDED);
          latency = tables.isVector[place] === 1 ? spec.memory.vectorForwardCycles : spec.memory.forwardCycles;
        } else need(data, BLOCKED);
      } else if (tables.kind[place] === LOAD && tables.isPointerLoad[place] === 1) {
        latency = Math.min(latency, spec.memory.pointerLoadCycles);
      }
      done[uop] = ready + latency;
      const before = uop === 0 ? 0 : slowest[uop - 1]!;
      slowest[uop] = done[uop]! > done[before]! ? uop : before;
      if (done[uop]! >= done[last[iteration]!]! || last[iteration]! < base) last[iteration] = uop;
      for (let at = writes.start[place]!; at < writes.start[place + 1]!; at += 1) writer[writes.items[at]!] = uop;
    }
  }
  const chain = new Set<number>();
  let through = REGISTER;
  const end = last[CHAIN_ITERATIONS - 1]!;
  // What leads from iteration to iteration; near the end lies what only hangs on it.
  const middle = (CHAIN_ITERATIONS / 2) * count;
  const take = (uop: number): void => {
    if (uop < middle) chain.add(program.instructionOf[uop % count]!);
  };
  for (let uop = end; uop >= middle / 2; ) {
    take(uop);
    const before = cause[uop]!;
    const isBlocked = link[uop] === BLOCKED;
    if (uop < middle) through = Math.max(through, link[uop]!);
    if (isBlocked) take(before);
    uop = isBlocked ? slowest[before]! : before;
  }
  const half = CHAIN_ITERATIONS / 2;
  const cycles = (done[end]! - done[last[half - 1]!]!) / half;
  return { cycles, instructions: [...chain].sort((a, b) => a - b), memory: MEMORY[through]! };
}

/** No load or store is dispatched while an access waits for its page: those cycles and those of the busiest memory port. */
function missBound({ forwarding, tables }: Prepared, portUops: readonly number[], spec: X86Spec): number {
  if (forwarding === null) return 0;
  const half = forwarding.misses.subarray(forwarding.misses.length >> 1);
  const misses = (half.reduce((sum, miss) => sum + miss, 0) / half.length) * tables.accesses;
  if (misses === 0) return 0;
  const { loadPorts, storeAddressPorts, storeDataPorts } = spec.backEnd;
  const ports = [...loadPorts, ...storeAddressPorts, ...storeDataPorts];
  return misses * spec.memory.pageMissCycles + Math.max(...ports.map((port) => portUops[port]!));
}

/** Lower bounds of a block and what sets them. `portUops`: micro-ops each port executes per iteration. */
export function boundsOf(block: Prepared, portUops: readonly number[], spec: X86Spec): Bounds {
  const { tables } = block;
  const chain = chainBound(block, spec);
  const front = frontEndBound(block, spec);
  const busy = (kind: number): number =>
    tables.occupancy.reduce((sum, cycles, place) => sum + (cycles > 1 && tables.kind[place] === kind ? cycles : 0), 0);
  const cycles: Record<string, number> = {
    [front.stage]: front.cycles,
    issue: tables.slots / spec.renamer.slots,
    retirement: tables.slots / spec.backEnd.retireSlots,
    [chain.memory === null ? 'dependence chain' : CHAIN_NAMES[chain.memory]]: chain.cycles,
    divider: busy(COMPUTE),
    'locked access': busy(STORE_DATA),
    'TLB misses': missBound(block, portUops, spec),
  };
  for (const port of spec.backEnd.ports) cycles[`port ${port}`] = portUops[port]!;
  const [bottleneck] = Object.entries(cycles).reduce((worst, one) => (one[1] > worst[1] + 1e-9 ? one : worst));
  return { cycles, bottleneck, chain: chain.cycles > 0 ? chain.instructions : [] };
}
