import type { SystolicSpec } from '../spec.ts';
import { chunkCapacity, chunkRuns, inputBytes } from './chunks.ts';
import { bytesOf, count, type Run } from './gemm.ts';
import { type Plan, stationaryBytes, streamedBytes } from './plan.ts';

/** In which order tiles and rows meet. */
export interface Order {
  readonly chunks: readonly Run[];
  /**
   * A single tile covers the whole reduction and stays in the array while all rows pass, column by column; false: all columns of
   * a chunk of rows come before the next chunk.
   */
  readonly keepsTiles: boolean;
}

/** Whether all stationary operands stay in their scratchpad, so that later chunks need not fetch them again. */
export function stationaryFits(spec: SystolicSpec, { gemm }: Plan): boolean {
  const bytes = bytesOf(gemm.k * gemm.columns * gemm.groups, gemm.stationary.elementBits);
  return spec.buffer.kind === 'scratchpads' && bytes <= (spec.buffer.weightKiB * 1024) / 2;
}

/**
 * Policy: the order that moves fewest bytes from off the chip; of equals the one with the largest chunks. Chunks are as large as
 * the accumulators, or as what of the streamed operand stays in its buffer while all columns pass.
 */
export function chooseOrder(spec: SystolicSpec, plan: Plan, columnTiles: number): Order {
  const { gemm, rowsPerArray } = plan;
  const most = chunkCapacity(spec);
  const fitting = Math.floor(inputBytes(spec) / Math.max(1, streamedBytes(plan, rowsPerArray) / rowsPerArray));
  const candidates: Order[] = [{ chunks: chunkRuns(gemm, rowsPerArray, most), keepsTiles: false }];
  if (fitting >= 1 && fitting < most)
    candidates.push({ chunks: chunkRuns(gemm, rowsPerArray, fitting), keepsTiles: false });
  if (count(plan.kRuns) === 1 && count(candidates[0]!.chunks) > 1 && gemm.groups === 1)
    candidates.unshift({ chunks: candidates[0]!.chunks, keepsTiles: true });
  const bytes = candidates.map((order) => offChipBytes(spec, plan, order, columnTiles));
  return candidates[bytes.indexOf(Math.min(...bytes))]!;
}

function offChipBytes(spec: SystolicSpec, plan: Plan, { chunks, keepsTiles }: Order, columnTiles: number): number {
  const streamed = streamedBytes(plan, plan.rowsPerArray);
  const stationary = stationaryBytes(plan);
  // What does not fit is loaded anew for every column of tiles.
  const inFlight = keepsTiles ? streamed : streamedBytes(plan, chunks[0]!.size);
  const loads = inFlight > inputBytes(spec) ? columnTiles : 1;
  const fetches = keepsTiles || stationaryFits(spec, plan) ? 1 : count(chunks);
  return stationary * fetches + streamed * loads;
}
