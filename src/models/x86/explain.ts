import { breaksDependence, isZeroIdiom } from './idioms.ts';
import { UNIT } from './instruction.ts';
import type { Core, Prepared } from './predict.ts';
import { COMPUTE } from './tables.ts';
import type { UopTimes } from './trace.ts';

/** What a core makes of one instruction of a block. */
export interface InstructionFacts {
  /** Micro-ops that ports execute, and issue slots taken. */
  readonly executedUops: number;
  readonly issueSlots: number;
  /** From its inputs to its results, loads included; null where nothing is executed or no register gets a result. */
  readonly latencyCycles: number | null;
  /** Micro-ops each port executes per iteration, by number of the port. */
  readonly ports: readonly number[];
  readonly marks: readonly string[];
}

/** Share of the issue slots over a stretch of cycles: used, empty for want of decoded micro-ops, held back by a full back end. */
export interface SlotShares {
  readonly used: number;
  readonly frontEnd: number;
  readonly backEnd: number;
}

/** Where the micro-ops of one instruction are: places in issue order, and its issue slots. */
interface Parts {
  readonly index: number;
  readonly places: number[];
  /** Micro-ops of each. */
  readonly slots: number[];
}

/** Facts of each instruction, in loops of the closing `dec r15; jnz` as well; `times` is a trace of many iterations. */
export function explain(block: Prepared, times: readonly UopTimes[]): InstructionFacts[] {
  const { tables } = block;
  const parts = partsOf(block);
  const ports = portCounts(times, parts.length);
  const latencies = latenciesOf(block, parts.length);
  return parts.map((part) => ({
    executedUops: part.places.filter((place) => tables.ports[place] !== 0).length,
    issueSlots: part.slots.length,
    latencyCycles: latencies[part.index]!,
    ports: ports[part.index]!,
    marks: marksOf(block, part),
  }));
}

function partsOf({ program }: Prepared): Parts[] {
  const parts: Parts[] = [];
  const { slotStart, instructionOf } = program;
  for (let slot = 0; slot + 1 < slotStart.length; slot += 1) {
    const [first, end] = [slotStart[slot]!, slotStart[slot + 1]!];
    const index = instructionOf[first]!;
    parts[index] ??= { index, places: [], slots: [] };
    parts[index].slots.push(end - first);
    for (let place = first; place < end; place += 1) parts[index].places.push(place);
  }
  return parts;
}

const PORTS = 10;

/** Micro-ops of each instruction on each port, per iteration, over the later half of the trace. */
function portCounts(times: readonly UopTimes[], instructions: number): number[][] {
  const iterations = (times.at(-1)?.iteration ?? 0) + 1;
  const from = iterations >> 1;
  const counts = Array.from({ length: instructions }, () => new Array<number>(PORTS).fill(0));
  for (const { iteration, instruction, port } of times)
    if (iteration >= from && port !== null) counts[instruction]![port]! += 1 / (iterations - from);
  return counts;
}

/** Longest way through the micro-ops of each instruction to one that has a result. */
function latenciesOf({ tables, program }: Prepared, count: number): (number | null)[] {
  const done: number[] = [];
  const longest = new Array<number | null>(count).fill(null);
  const { after, writes } = tables;
  program.instructionOf.forEach((instruction, place) => {
    const others = after.items.subarray(after.start[place], after.start[place + 1]);
    const start = Math.max(0, ...Array.from(others, (other) => done[other] ?? 0));
    if (tables.ports[place] === 0) {
      done[place] = start;
      return;
    }
    done[place] = start + tables.latency[place]!;
    if (writes.start[place + 1]! > writes.start[place]!)
      longest[instruction] = Math.max(longest[instruction] ?? 0, done[place]!);
  });
  return longest;
}

function marksOf(block: Prepared, { index, places, slots }: Parts): string[] {
  const { program, tables } = block;
  const instruction = program.instructions[index];
  // In loops one entry closes the list, or two where dec and jnz are apart.
  const facts = instruction === undefined ? program.frontEnd.at(-1)! : program.frontEnd[index]!;
  const kinds = places.map((place) => program.uops[place]!.kind);
  const marks: string[] = [];
  if (instruction !== undefined) {
    if (program.unknown.includes(instruction.form)) marks.push('unknown');
    const isNothing = kinds.every((kind) => kind === 'none');
    if (isNothing) marks.push(isZeroIdiom(instruction) ? 'zero idiom' : 'not executed');
    else if (kinds.includes('move')) marks.push('move eliminated');
    else if (breaksDependence(instruction)) marks.push('ones idiom');
  }
  if (facts.pairedAt !== null) marks.push('macro-fused');
  if (slots.some((uops) => uops > 1)) marks.push('micro-fused');
  const syncs = isSynchronised(block, places) ? 1 : 0;
  if (!facts.isMicrocoded && facts.fusedUops + syncs < facts.slots) marks.push('un-laminated');
  if (facts.isMicrocoded) marks.push('microcode');
  if (facts.hasLengthChangingPrefix) marks.push('length-changing prefix');
  if (syncs > 0) marks.push('stack sync');
  if (places.some((place) => tables.kind[place] === COMPUTE && tables.occupancy[place]! > 1)) marks.push('divider');
  const met = storesMet(block, places);
  if (met !== null) marks.push(met);
  return marks;
}

/** Whether the stack engine's micro-op, which brings the stack pointer up to date, goes before an instruction's own. */
function isSynchronised({ program }: Prepared, places: readonly number[]): boolean {
  const first = program.uops[places[0]!]!;
  const isPointer = (units: readonly number[]): boolean => units.length === 1 && units[0] === UNIT.stackPointer;
  return places.length > 1 && first.kind === 'compute' && isPointer(first.reads) && isPointer(first.writes);
}

/** Whether a load of the instruction meets a store in flight, in the last iteration that was followed. */
function storesMet({ forwarding, tables }: Prepared, places: readonly number[]): string | null {
  if (forwarding === null || forwarding.stores === 0) return null;
  const last = Math.floor(forwarding.sources.length / Math.max(1, forwarding.loads)) - 1;
  for (const place of places) {
    const load = tables.loadNumber[place]!;
    const source = load < 0 ? -1 : forwarding.sources[last * forwarding.loads + load]!;
    if (source >= 0) return (source & 1) === 1 ? 'forwarding blocked' : 'forwarded';
  }
  return null;
}

/** What became of the issue slots in the later half of a trace. */
export function slotShares(times: readonly UopTimes[], { spec }: Core): SlotShares {
  const iterations = (times.at(-1)?.iteration ?? 0) + 1;
  const slots = times.filter((one, index) => one.slot !== times[index - 1]?.slot);
  if (slots.length === 0) return { used: 0, frontEnd: 0, backEnd: 0 };
  const half = slots.findIndex(({ iteration }) => iteration >= iterations >> 1);
  const from = slots[half]?.issued ?? 0;
  const until = slots.at(-1)?.issued ?? 0;
  const { slots: width } = spec.renamer;
  const cycles = until - from;
  if (cycles === 0) return { used: 1, frontEnd: 0, backEnd: 0 };
  let used = 0;
  let frontEnd = 0;
  let next = half;
  let waiting = half;
  for (let cycle = from; cycle < until; cycle += 1) {
    const before = next;
    while (slots[next]!.issued === cycle) next += 1;
    while (waiting < slots.length && slots[waiting]!.decoded < cycle) waiting += 1;
    used += next - before;
    // Nothing is left that could have been issued: the front end is behind.
    if (next >= waiting) frontEnd += width - (next - before);
  }
  const all = cycles * width;
  return { used: used / all, frontEnd: frontEnd / all, backEnd: 1 - (used + frontEnd) / all };
}
