import { levelOf, linesOf } from '../units/caches.ts';
import { convLoop } from './conv-code.ts';
import { type PointKernel, pointKernel } from './conv-library.ts';
import { type ConvSetting, KEPT } from './conv-setting.ts';
import type { ConvLoops } from './convolution.ts';
import { covered } from './cover.ts';
import { REDUCTION_STEPS, SUM_BITS, type Tile, tileEnd } from './gemm-code.ts';
import type { Nest, Stream } from './nest.ts';
import { passLoop } from './pass-code.ts';
import { dealt, type Way } from './way.ts';

/** Filters of one tap: a product of matrices per image, in the blocked layout as it lies. */
export function pointWay(conv: ConvLoops, lanes: number, setting: ConvSetting): Way {
  const { math, caches, cores } = setting;
  const { images, groups, depth, rowAxis, columnAxis } = conv;
  const kernel = pointKernel(conv, math, { ...caches, lanes, cores });
  const { positions: width, embedded } = kernel.tile;
  const positions = rowAxis.positions * columnAxis.positions;
  const depthBlocks = Math.ceil(depth / kernel.depthBlock);
  const writtenOut = Math.ceil(Math.min(lanes, depth) / REDUCTION_STEPS[math.format]);
  const nests: Nest[] = [];
  let tasks = 0;
  for (const { size: vectors, count } of kernel.heights)
    for (const { size: columns, count: across } of covered(positions, width)) {
      const tile: Tile = { style: embedded ? 'embedded' : 'broadcast', vectors, columns, unroll: 1 };
      const tiles = images * groups * count * across;
      tasks += tiles;
      nests.push(
        {
          role: 'multiply',
          code: convLoop(math, tile, writtenOut),
          steps: tiles * Math.ceil(depth / REDUCTION_STEPS[math.format]),
          entries: tiles * depthBlocks,
          lanesDone: tiles * vectors * lanes * columns * depth,
          streams: [],
        },
        {
          role: 'finish',
          code: tileEnd(math, tile, depthBlocks > 1),
          steps: tiles * depthBlocks,
          entries: 0,
          lanesDone: 0,
          streams: [],
        },
      );
    }
  nests[0] = { ...nests[0]!, streams: streamsOf(conv, lanes, kernel, setting) };
  if (rowAxis.stride > 1 || columnAxis.stride > 1) nests.push(gathered(conv, setting));
  return dealt(nests, tasks, cores);
}

/** Positions that a stride leaves are first brought side by side. */
function gathered(conv: ConvLoops, { math, elementBytes }: ConvSetting): Nest {
  const { images, groups, rowAxis, columnAxis, pass } = conv;
  const positions = images * rowAxis.positions * columnAxis.positions;
  const elements = pass === 'forward' ? positions * groups * conv.depth : positions * groups * conv.laneChannels;
  return {
    role: 'pack',
    code: passLoop(math.set, { loads: 4, stores: 4, operations: 0, divisions: 0 }),
    steps: (elements * elementBytes * 8) / SUM_BITS.fp32,
    entries: images * groups,
    lanesDone: 0,
    streams: [{ lines: linesOf(elements * elementBytes), level: 1, pattern: 'write' }],
  };
}

/** Lines from beyond the first level, by what passes between two uses. */
function streamsOf(conv: ConvLoops, lanes: number, kernel: PointKernel, setting: ConvSetting): Stream[] {
  const { elementBytes, sumBytes, resultBytes, caches, origin, cores } = setting;
  const { images, groups, depth, laneChannels, rowAxis, columnAxis } = conv;
  const { tile, heights, depthBlock, positionBlock, channelBlock, depthOutside } = kernel;
  const positions = rowAxis.positions * columnAxis.positions;
  const room = { l2Bytes: KEPT * caches.l2Bytes, l3Bytes: caches.l3Bytes };
  const sweeps = heights.reduce((sum, { count }) => sum + count, 0);
  const weightBytes = conv.weightElements * elementBytes;
  const weightLines = linesOf(weightBytes);
  const operandBytes = conv.operandElements * elementBytes;
  const resultLines = linesOf(conv.resultElements * sumBytes);
  const depthBlocks = Math.ceil(depth / depthBlock);
  const positionBlocks = Math.ceil(positions / positionBlock);
  const channelBlocks = Math.ceil(laneChannels / channelBlock);

  // One tile after the other reads the same weights: from the first level if they stay there beside what else a tile touches.
  const panelBytes = tile.vectors * lanes * depthBlock * elementBytes;
  const tileBytes = tile.positions * (depthBlock * elementBytes + tile.vectors * lanes * sumBytes);
  const panelStays = panelBytes + tileBytes <= caches.l1Bytes;
  const weightReads = images * (panelStays ? positionBlocks : Math.ceil(positions / tile.positions));
  // Each core that has positions of its own brings the weights into its own caches, one of them from where they lie.
  const readers = Math.min(cores, images * groups * Math.ceil(positions / tile.positions));
  // A block of the operand is read by one height of tiles after the other.
  const blockBytes = positionBlock * depthBlock * elementBytes;
  const operandReads = blockBytes <= KEPT * caches.l1Bytes ? channelBlocks : sweeps;
  // Between two uses of weights lie those of a block of the depth, or all of them; between two of the operand, all weights of its block;
  // between two of a sum, all sums of the core, or those of a block.
  const passedWeights = depthOutside ? weightBytes * (depthBlock / depth) : weightBytes / groups;
  const passedOperand = blockBytes + channelBlock * depthBlock * elementBytes;
  const passedResult = depthOutside
    ? (conv.resultElements * sumBytes) / Math.min(cores, images * groups)
    : positionBlock * Math.min(laneChannels, channelBlock) * sumBytes;
  const operandLines = linesOf(operandBytes);
  return [
    { lines: weightLines, level: origin.weights, pattern: 'ahead' },
    { lines: weightLines * (readers - 1), level: 2, pattern: 'ahead' },
    {
      lines: weightLines * Math.max(0, images * positionBlocks - readers),
      level: levelOf(room, passedWeights),
      pattern: 'ahead',
    },
    { lines: weightLines * weightReads, level: 1, pattern: 'panel' },
    { lines: operandLines, level: origin.operand, pattern: 'ahead' },
    { lines: operandLines * (channelBlocks - 1), level: levelOf(room, passedOperand), pattern: 'ahead' },
    { lines: operandLines * operandReads, level: 1, pattern: 'panel' },
    // Sums of a block of the depth are added to those before.
    { lines: resultLines * (depthBlocks - 1), level: levelOf(room, passedResult), pattern: 'write' },
    { lines: linesOf(conv.resultElements * resultBytes), level: origin.result, pattern: 'write' },
  ];
}
