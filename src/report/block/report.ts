import { boundsOf } from '../../models/x86/bounds.ts';
import { formatInstructions } from '../../models/x86/text.ts';
import { explain, type InstructionFacts, type SlotShares, slotShares } from '../../models/x86/explain.ts';
import { hexOfBytes } from '../../models/x86/hex.ts';
import { type Core, type Mode, type Prepared, predict, prepare } from '../../models/x86/predict.ts';
import { traceBlock, type UopTimes } from '../../models/x86/trace.ts';

/** What there is to say of a block in one line. */
export interface BlockSummary {
  readonly id?: string;
  readonly hex: string;
  readonly mode: Mode;
  readonly cyclesPerIteration: number;
  readonly bottleneck: string;
  /** Cycles per iteration that the block cannot be faster than, by what sets them. */
  readonly bounds: Readonly<Record<string, number>>;
  /** Micro-ops per iteration by port. */
  readonly ports: Readonly<Record<string, number>>;
  /** Instructions of the longest dependence chain, counted from 0. */
  readonly chain: readonly number[];
  /** Forms whose micro-ops are estimated. */
  readonly unknownInstructions: readonly string[];
}

export interface InstructionRow extends Omit<InstructionFacts, 'ports'> {
  readonly text: string;
  readonly hex: string;
  readonly onChain: boolean;
  readonly ports: Readonly<Record<string, number>>;
}

/** A block seen closely. */
export interface BlockReport extends BlockSummary {
  readonly arch: string;
  readonly issueSlots: SlotShares;
  /** In loops the closing `dec r15; jnz` comes last. */
  readonly instructions: readonly InstructionRow[];
}

export const LOOP_END = 'dec r15; jnz';

/** Micro-ops traced for the table: enough for a mean, few enough for the longest block. */
const TRACED_UOPS = 30_000;
const FEWEST_ITERATIONS = 4;

const round = (value: number): number => Number(value.toFixed(4));

function portRecord(uops: readonly number[], { spec }: Core): Record<string, number> {
  return Object.fromEntries(spec.backEnd.ports.map((port) => [String(port), round(uops[port]!)]));
}

function summaryOf(bytes: Uint8Array, mode: Mode, block: Prepared, core: Core, id: string | null): BlockSummary {
  const { cyclesPerIteration, portUops } = predict(block, core);
  const { cycles, bottleneck, chain } = boundsOf(block, portUops, core.spec);
  return {
    ...(id !== null && { id }),
    hex: hexOfBytes(bytes),
    mode,
    cyclesPerIteration: round(cyclesPerIteration),
    bottleneck,
    bounds: Object.fromEntries(Object.entries(cycles).map(([name, value]) => [name, round(value)])),
    ports: portRecord(portUops, core),
    chain,
    unknownInstructions: block.program.unknown,
  };
}

/** Cycles per iteration of a block and what sets them. Throws InputError for bytes that are no block. */
export function summarise(bytes: Uint8Array, mode: Mode, core: Core, id: string | null): BlockSummary {
  return summaryOf(bytes, mode, prepare(bytes, mode, core), core, id);
}

/** The same and each instruction's part in it. Throws InputError for bytes that are no block. */
export function reportBlock(bytes: Uint8Array, mode: Mode, core: Core, arch: string, id: string | null): BlockReport {
  const block = prepare(bytes, mode, core);
  const summary = summaryOf(bytes, mode, block, core, id);
  const enough = Math.max(FEWEST_ITERATIONS, Math.ceil(TRACED_UOPS / block.tables.uops));
  const times = traceBlock(block, core, Math.min(block.iterations, enough));
  const texts = formatInstructions(bytes);
  const instructions = explain(block, times).map((facts, index): InstructionRow => {
    const place = index < block.program.instructions.length ? block.program.frontEnd[index] : undefined;
    return {
      text: texts[index] ?? LOOP_END,
      hex: place === undefined ? '' : hexOfBytes(bytes.subarray(place.offset, place.offset + place.length)),
      onChain: summary.chain.includes(index),
      ...facts,
      ports: portRecord(facts.ports, core),
    };
  });
  return { ...summary, arch, issueSlots: slotShares(times, core), instructions };
}

/** What every micro-op of the first iterations does when. */
export interface BlockTimeline {
  readonly texts: readonly string[];
  readonly times: readonly UopTimes[];
}

export function timelineOf(bytes: Uint8Array, mode: Mode, core: Core, iterations: number): BlockTimeline {
  const block = prepare(bytes, mode, core);
  return { texts: formatInstructions(bytes), times: traceBlock(block, core, iterations) };
}
