import type { Access } from '../../../events/events.ts';
import { type Instruction, type Node, PASS, repeat, TILE, WAIT_VECTOR, type Waits, withWait } from '../program.ts';
import { access, type Builder } from './builder.ts';
import { bytesOf } from './gemm.ts';
import type { Plan } from './plan.ts';
import { results } from './transfer.ts';

/** `rows` x `columns` results, all of whose reduction runs before they leave the accumulators. */
export interface Block {
  /** Rows that each array streams. */
  readonly rows: number;
  readonly columns: number;
  /** Its tiles come from off-chip memory, or from the on-chip buffer, or one is still in the array. */
  readonly tiles: 'fetched' | 'buffered' | 'kept';
  /** What its first pass waits for, besides free accumulators. */
  readonly waits: Waits;
  /** What its first tile waits for; those that follow in the FIFO come after it anyway. */
  readonly tileWaits: Waits;
}

/** Instructions of a block of a weight- or input-stationary array: its tiles and passes, then its results leave. */
export function stationaryBlock(builder: Builder, plan: Plan, block: Block): Node[] {
  // The accumulators of the block before the last have been emptied; where none are named there are two halves.
  const buffers = builder.spec.accumulators?.buffers ?? 2;
  const waits = withWait(block.waits, WAIT_VECTOR, buffers - 1);
  const [first, ...others] = plan.kRuns;
  const nodes: Node[] = [
    ...tileAndPass(builder, plan, block, first!.size, { waits, tileWaits: block.tileWaits, accumulates: false }),
  ];
  const further = { waits: [], tileWaits: [], accumulates: true };
  nodes.push(...repeat(tileAndPass(builder, plan, block, first!.size, further), first!.times - 1));
  for (const run of others) nodes.push(...repeat(tileAndPass(builder, plan, block, run.size, further), run.times));
  nodes.push(...results(builder, plan, Math.round(block.rows * plan.rowsOfAll) * block.columns, block.waits));
  return nodes;
}

interface Step {
  readonly waits: Waits;
  readonly tileWaits: Waits;
  /** Adds to sums that are in the accumulators already. */
  readonly accumulates: boolean;
}

/** One tile with `k` rows of the reduction, and the pass of all rows of the block over it. */
function tileAndPass(builder: Builder, plan: Plan, block: Block, k: number, step: Step): Node[] {
  const { spec, components } = builder;
  const { gemm, op } = plan;
  const rows = Math.round(block.rows * plan.rowsOfAll);
  const useful = (rows * k * block.columns) / plan.packed;
  const cells = block.rows * spec.array.rows * spec.array.columns * spec.array.count;
  const sums = bytesOf(rows * block.columns, spec.array.accumulatorBits);
  // Operands stream no faster than the port of their buffer gives them.
  const streamedBytes = bytesOf(rows * k, gemm.streamed.elementBits);
  const accesses: Access[] = [
    access(components.array, plan.macAction, useful),
    access(components.array, 'mac.idle', cells - useful),
    access(components.inputs, 'read', rows, streamedBytes),
    access(components.partialSums, 'write', rows, sums),
  ];
  if (step.accumulates) accesses.push(access(components.partialSums, 'read', rows, sums));
  const fetches = block.tiles !== 'kept';
  const tileBytes = stationaryTileBytes(builder, plan, k, block.columns);
  if (fetches) {
    accesses.push(
      access(components.array, 'shift', 1, tileBytes * plan.arraysByRows),
      access(components.weightFifo, 'read', 1, tileBytes),
    );
  }
  const cycles = Math.max(block.rows * plan.cyclesPerRow, Math.ceil(streamedBytes / spec.buffer.bytesPerCycle));
  const pass = builder.instruction({ lane: PASS, op, cycles, fetches, waits: step.waits, accesses });
  return fetches ? [tileFetch(builder, plan, block.tiles === 'fetched', tileBytes, step.tileWaits), pass] : [pass];
}

function tileFetch(builder: Builder, plan: Plan, offChip: boolean, bytes: number, waits: Waits): Instruction {
  const { spec, components } = builder;
  // Windows of a feature map overlap; they are laid out as a tile on the chip, so each element comes in once.
  const fetchedBytes = Math.ceil(bytes * plan.stationaryShare);
  return builder.instruction({
    lane: TILE,
    op: plan.op,
    cycles: offChip ? builder.memoryCycles(fetchedBytes) : Math.max(1, Math.round(bytes / spec.buffer.bytesPerCycle)),
    fetches: offChip,
    waits,
    accesses: [
      offChip ? access(components.memory, 'read', 1, fetchedBytes) : access(components.weights, 'read', 1, bytes),
      access(components.weightFifo, 'write', 1, bytes),
    ],
  });
}

function stationaryTileBytes(builder: Builder, plan: Plan, k: number, columns: number): number {
  const { array } = builder.spec;
  const bits = plan.gemm.stationary.elementBits;
  if (array.paddedTiles) return bytesOf(array.rows * array.columns * plan.arraysByColumns, bits);
  return bytesOf((k * columns) / plan.packed, bits);
}
