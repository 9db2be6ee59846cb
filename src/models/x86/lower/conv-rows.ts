import { LINE_BYTES, levelOf, linesOf } from '../units/caches.ts';
import { convLoop } from './conv-code.ts';
import { type RowKernel, rowKernel } from './conv-library.ts';
import { CALL_CYCLES, type ConvSetting, KEPT } from './conv-setting.ts';
import { type ConvLoops, metAt, metShare } from './convolution.ts';
import { covered, type Pieces } from './cover.ts';
import { REDUCTION_STEPS, type Tile, tileEnd } from './gemm-code.ts';
import type { Level, Nest, Stream } from './nest.ts';
import { dealt, type Way } from './way.ts';

/** Filters of several taps: kernels that sum up the taps of one vector of channels for a row of results. */
export function rowWay(conv: ConvLoops, lanes: number, setting: ConvSetting): Way {
  const { math, caches, cores } = setting;
  const { images, groups, rowAxis, columnAxis, taps } = conv;
  const inside = conv.depth / taps;
  const kernel = rowKernel(conv, math, { ...caches, lanes, cores });
  const { vectors, positions: width, embedded } = kernel.tile;
  const blocks = Math.ceil(conv.laneChannels / lanes);
  const chunks = covered(blocks, vectors);
  const tiles = covered(columnAxis.positions, width);
  const calls = Math.ceil(inside / kernel.callChannels);
  const steps = Math.ceil(inside / REDUCTION_STEPS[math.format]);
  // Channels of a vector and taps of a row follow each other without a jump.
  const writtenOut = Math.ceil((columnAxis.taps * Math.min(lanes, inside)) / REDUCTION_STEPS[math.format]);
  const tapRows = rowAxis.taps * metShare(rowAxis);
  const nests: Nest[] = [];
  for (const { size, count } of chunks) {
    const times = images * groups * count * rowAxis.positions;
    const tileOf = (columns: number): Tile => ({
      style: embedded ? 'embedded' : 'broadcast',
      vectors: size,
      columns,
      unroll: 1,
    });
    let entries = times * calls;
    // Zeros of padding, which kernels skip, are among the products of the op.
    let lanesDone = times * conv.depth * size * lanes * columnAxis.positions;
    for (const [met, pairs] of tapsByPositions(conv, tiles)) {
      nests.push({
        role: 'multiply',
        code: convLoop(math, tileOf(met), writtenOut),
        steps: times * tapRows * pairs * steps,
        entries,
        drainCycles: CALL_CYCLES,
        lanesDone,
        streams: [],
      });
      entries = 0;
      lanesDone = 0;
    }
    for (const { size: columns, count: ofSize } of tiles)
      nests.push({
        role: 'finish',
        code: tileEnd(math, tileOf(columns), calls > 1),
        steps: times * ofSize * calls,
        entries: 0,
        lanesDone: 0,
        streams: [],
      });
  }
  nests[0] = { ...nests[0]!, streams: streamsOf(conv, lanes, kernel, chunks, setting) };
  const rows = images * groups * chunks.reduce((sum, { count }) => sum + count, 0) * rowAxis.positions;
  return dealt(nests, rows, cores);
}

/** How many pairs of a tile and a tap have so many positions beside padding, for a row of results and a row of taps. */
function tapsByPositions({ columnAxis }: ConvLoops, tiles: readonly Pieces[]): Map<number, number> {
  const pairs = new Map<number, number>();
  let first = 0;
  for (const { size, count } of tiles)
    for (let index = 0; index < count; index += 1) {
      for (let tap = 0; tap < columnAxis.taps; tap += 1) {
        const met = metAt(columnAxis, tap, first, size);
        if (met > 0) pairs.set(met, (pairs.get(met) ?? 0) + 1);
      }
      first += size;
    }
  return pairs;
}

/** Lines from beyond the first level, by what passes between two uses. */
function streamsOf(
  conv: ConvLoops,
  lanes: number,
  kernel: RowKernel,
  chunks: readonly Pieces[],
  setting: ConvSetting,
): Stream[] {
  const { elementBytes, sumBytes, resultBytes, caches, origin, cores } = setting;
  const { images, groups, rowAxis, columnAxis, taps } = conv;
  const inside = conv.depth / taps;
  const { tile, inner, callChannels, depthChannels } = kernel;
  const rows = rowAxis.positions;
  const sweeps = chunks.reduce((sum, { count }) => sum + count, 0);
  const calls = Math.ceil(inside / callChannels);
  const room = { l2Bytes: KEPT * caches.l2Bytes, l3Bytes: caches.l3Bytes };
  const weightBytes = conv.weightElements * elementBytes;
  const weightLines = linesOf(weightBytes);
  const operandLines = linesOf(conv.operandElements * elementBytes);
  const imageBytes = (conv.operandElements * elementBytes) / (images * groups);
  const resultLines = linesOf(conv.resultElements * sumBytes);
  const weightsPerChannel = tile.vectors * lanes * taps * elementBytes;
  const operandRowBytes = columnAxis.operand * elementBytes;
  const resultRowBytes = columnAxis.positions * tile.vectors * lanes * sumBytes;

  // A tile after the other reads all weights of a call, and its own part of the operand.
  const tileOperandBytes = rowAxis.taps * tile.positions * columnAxis.stride * elementBytes;
  const callBytes = callChannels * (weightsPerChannel + tileOperandBytes) + tile.vectors * tile.positions * LINE_BYTES;
  const weightReads = callBytes <= caches.l1Bytes ? 1 : Math.ceil(columnAxis.positions / tile.positions);
  // Each core that computes rows with a chunk of the weights brings it into its own caches, one of them from where it lies.
  const calledRows = images * groups * sweeps * rows;
  const rowsOfCore = Math.ceil(calledRows / Math.min(cores, calledRows));
  const chunksOfCore = Math.min(sweeps, Math.max(1, rowsOfCore / rows));
  const readers = Math.max(1, (Math.min(cores, calledRows) * chunksOfCore) / sweeps);
  // No instruction asks for weights ahead.
  const arriving = (lines: number, level: Level): Stream => ({
    lines,
    level,
    pattern: level === 1 ? 'ahead' : 'sequence',
  });
  const streams: Stream[] = [
    arriving(weightLines, origin.weights),
    arriving(weightLines * (readers - 1), 2),
    { lines: operandLines, level: origin.operand, pattern: 'ahead' },
    { lines: operandLines * (sweeps - 1), level: levelOf(room, imageBytes), pattern: 'ahead' },
    { lines: linesOf(conv.resultElements * resultBytes), level: origin.result, pattern: 'write' },
  ];
  if (inner === 'rows') {
    // Weights of a call wait in the first level for all rows; sums do if they leave room for the operand.
    const again = levelOf(room, Math.min(weightsPerChannel * inside, weightBytes / groups) + imageBytes);
    streams.push(
      arriving(weightLines * Math.max(0, images - readers), again),
      { lines: weightLines * images * (weightReads === 1 ? 1 : weightReads * rows), level: 1, pattern: 'panel' },
      { lines: operandLines * sweeps, level: 1, pattern: 'panel' },
    );
    if (rows * resultRowBytes > KEPT * caches.l1Bytes)
      streams.push({ lines: 2 * resultLines * (calls - 1), level: 1, pattern: 'panel' });
    return streams;
  }
  const blockWeights = Math.min(depthChannels, inside) * weightsPerChannel;
  const rowReads =
    depthChannels * rowAxis.taps * operandRowBytes <= KEPT * caches.l1Bytes ? 1 : rowAxis.taps / rowAxis.stride;
  const passes = Math.ceil(inside / depthChannels);
  streams.push(
    arriving(weightLines * Math.max(0, images * rows - readers), levelOf(room, blockWeights)),
    { lines: weightLines * images * rows * weightReads, level: 1, pattern: 'panel' },
    { lines: operandLines * sweeps * Math.max(1, rowReads), level: 1, pattern: 'panel' },
    {
      lines: 2 * resultLines * (passes - 1),
      level: levelOf(caches, conv.resultElements * sumBytes),
      pattern: 'panel',
    },
  );
  return streams;
}
