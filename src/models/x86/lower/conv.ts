import { type CacheSizes, levelOf, linesOf } from '../units/caches.ts';
import type { ConvLoops } from './convolution.ts';
import { convLoop } from './conv-code.ts';
import { cover } from './cover.ts';
import { REDUCTION_STEPS, SUM_BITS, tileEnd, tileLoop, type Tile, type TileMath } from './gemm-code.ts';
import { REGISTERS } from './isa.ts';
import type { Level, Nest } from './nest.ts';
import { dealt, scaled, type Way } from './way.ts';
import { passLoop } from './pass-code.ts';

/** Where a convolution's tensors lie before the call, and where the result goes. */
export interface ConvOrigin {
  readonly operand: Level;
  readonly weights: Level;
  readonly result: Level;
}

interface Setting {
  readonly math: TileMath;
  readonly elementBytes: number;
  readonly sumBytes: number;
  /** Of an element of the result as it is stored. */
  readonly resultBytes: number;
  readonly caches: CacheSizes;
  readonly origin: ConvOrigin;
  readonly cores: number;
}

/** Vectors of channels that tiles are tried with. */
const VECTORS = [1, 2, 4] as const;
/** Narrower tiles than this share of the widest are not tried to fit a row better. */
const NARROWEST = 0.7;
/** From the last products of one kernel call to full speed in the next: latencies of the last sum, a store and the first loads (estimated). */
const CALL_CYCLES = 20;
/** Share of a cache that one operand may fill and still be there when it is needed again. */
const KEPT = 0.5;
/** Positions that a weight gradient sums up before it goes on to the next channels: a row or a few. */
const SUMMED_POSITIONS = 112;

/** Tiles of channels x positions without padding: the widest that the registers hold and its divisors of the positions nearby. */
function widthOf({ set, format }: TileMath, vectors: number, positions: number): number {
  const embedded = set === 'avx512' && vectors === 1 && format !== 'int16';
  const free =
    REGISTERS[set] - (embedded ? 4 : 2 + vectors) - (set === 'sse' ? 1 : 0) - (format.startsWith('int') ? 2 : 0);
  const widest = Math.max(1, Math.min(positions, Math.floor(free / vectors)));
  let best = widest;
  const waste = (width: number): number => Math.ceil(positions / width) * width;
  for (let width = widest; width >= NARROWEST * widest; width -= 1) if (waste(width) < waste(best)) best = width;
  return best;
}

function tileOf(vectors: number, columns: number): Tile {
  return { style: 'broadcast', vectors, columns, unroll: vectors * columns >= 12 ? 1 : 4 };
}

/** Direct convolutions in the blocked layout that holds a vector of channels of one position side by side (nChw16c). */
export function convWays(conv: ConvLoops, setting: Setting): Way[] {
  const lanes = setting.math.bits / SUM_BITS[setting.math.format];
  const blocks = conv.groups > 1 && conv.laneChannels < lanes ? lanesAcrossGroups(conv, lanes) : conv;
  const channelBlocks = Math.ceil(blocks.laneChannels / lanes);
  return VECTORS.filter((vectors) => vectors <= channelBlocks).flatMap((vectors) =>
    conv.pass === 'weight-gradient'
      ? [weightGradient(blocks, vectors, lanes, setting)]
      : (['weights', 'operand'] as const).map((stays) => sweep(blocks, vectors, lanes, stays, setting)),
  );
}

/** Depthwise: each lane works for a group of its own, as far as groups have as few channels in as out. */
function lanesAcrossGroups(conv: ConvLoops, lanes: number): ConvLoops {
  const together = Math.min(conv.groups, Math.max(1, Math.floor(lanes / conv.laneChannels)));
  return { ...conv, groups: Math.ceil(conv.groups / together), laneChannels: conv.laneChannels * together };
}

/** Results x depth: forward and input gradient. `stays` says which operand the inner loops keep close. */
function sweep(conv: ConvLoops, vectors: number, lanes: number, stays: 'weights' | 'operand', setting: Setting): Way {
  const { math, elementBytes, resultBytes, caches, origin, cores } = setting;
  const { images, groups, depth, rows, rowPositions } = conv;
  const positions = rows * rowPositions;
  const width = widthOf(math, vectors, positions);
  const channelBlocks = Math.ceil(conv.laneChannels / lanes);
  const passes = Math.ceil(channelBlocks / vectors);
  const times = images * groups * passes;
  const panelBytes = vectors * lanes * depth * elementBytes;
  const weightBytes = conv.weightElements * elementBytes;
  const imageBytes = (conv.operandElements / (images * groups)) * elementBytes;
  // Weights of one pass, or of all passes for one tile of positions, go by before they are needed again.
  const rereadBytes = stays === 'weights' ? panelBytes : weightBytes / groups;
  const weightLevel = levelOf({ l2Bytes: KEPT * caches.l2Bytes, l3Bytes: caches.l3Bytes }, rereadBytes);
  const weightsStay = rereadBytes <= KEPT * caches.l1Bytes;
  const imageLevel = levelOf({ l2Bytes: KEPT * caches.l2Bytes, l3Bytes: caches.l3Bytes }, imageBytes);
  const operandLines = linesOf(conv.operandElements * elementBytes);
  const sweeps = stays === 'weights' ? passes - 1 : 0;
  // A kernel goes over all taps of a vector of channels; filters of one tap over all channels at once.
  const callsPerTile = conv.taps === 1 ? 1 : Math.max(1, Math.ceil(depth / (lanes * conv.taps)));
  // Channels of a vector and taps of a row follow each other without a jump.
  const writtenOut = Math.ceil((conv.rowTaps * Math.min(lanes, depth / conv.taps)) / REDUCTION_STEPS[math.format]);
  const nests: Nest[] = [];
  for (const { size, count } of cover(positions, [width, ...tails(positions % width)])) {
    const tile = tileOf(vectors, size);
    const tiles = times * count;
    nests.push({
      role: 'multiply',
      code: convLoop(math, tile, writtenOut),
      steps: tiles * Math.ceil(depth / REDUCTION_STEPS[math.format]),
      entries: tiles * callsPerTile,
      drainCycles: CALL_CYCLES,
      lanesDone: tiles * vectors * lanes * size * depth,
      streams: weightsStay ? [] : [{ lines: tiles * linesOf(panelBytes), level: weightLevel, pattern: 'ahead' }],
    });
    nests.push({
      role: 'finish',
      code: tileEnd(math, tile, callsPerTile > 1),
      steps: tiles * callsPerTile,
      entries: 0,
      lanesDone: 0,
      streams: [
        { lines: tiles * vectors * size * linesOf(lanes * resultBytes), level: origin.result, pattern: 'stream' },
      ],
    });
  }
  const first = nests[0]!;
  nests[0] = {
    ...first,
    streams: [
      ...first.streams,
      { lines: linesOf(weightBytes), level: origin.weights, pattern: 'ahead' },
      { lines: operandLines, level: origin.operand, pattern: 'ahead' },
      { lines: operandLines * sweeps, level: imageLevel, pattern: 'ahead' },
      // Prefetches bring operands into the second level; their elements are repeated straight from there.
      { lines: operandLines * (1 + sweeps), level: 1, pattern: 'panel' },
    ],
  };
  return dealt(nests, times * Math.ceil(positions / width), cores);
}

/** Width of the tile that covers what the widest tiles leave over. */
function tails(rest: number): number[] {
  return rest === 0 ? [] : [rest];
}

/** Channels x channels and taps, summed over positions: the result's gradient along the lanes, operands repeated. */
function weightGradient(conv: ConvLoops, vectors: number, lanes: number, setting: Setting): Way {
  const { math, elementBytes, sumBytes, caches, origin, cores } = setting;
  const { images, groups, depth, rowPositions, taps } = conv;
  const columns = Math.max(1, Math.round(conv.resultElements / (groups * conv.laneChannels)));
  const width = widthOf(math, vectors, columns);
  const channelBlocks = Math.ceil(conv.laneChannels / lanes);
  const passes = Math.ceil(channelBlocks / vectors);
  const atATime = rowPositions * Math.max(1, Math.floor(SUMMED_POSITIONS / rowPositions));
  const depthBlocks = Math.ceil(depth / atATime);
  const nests: Nest[] = [];
  for (const { size, count } of cover(columns, [width, ...tails(columns % width)])) {
    const tile = tileOf(vectors, size);
    const tiles = groups * passes * count;
    nests.push({
      role: 'multiply',
      code: tileLoop(math, tile),
      steps: tiles * Math.ceil(depth / REDUCTION_STEPS[math.format]),
      entries: tiles * depthBlocks,
      drainCycles: CALL_CYCLES,
      lanesDone: tiles * vectors * lanes * size * depth,
      // A row of gradients waits in the first level for all taps of a block of channels.
      streams: [],
    });
    nests.push({
      role: 'finish',
      code: tileEnd(math, tile, true),
      steps: tiles * depthBlocks,
      entries: 0,
      lanesDone: 0,
      streams: [
        { lines: tiles * depthBlocks * vectors * size * linesOf(lanes * sumBytes), level: 1, pattern: 'ahead' },
      ],
    });
  }
  const gradientLines = linesOf(conv.weightElements * elementBytes);
  const operandLines = linesOf(conv.operandElements * elementBytes);
  const again = (bytes: number): Level =>
    levelOf({ l2Bytes: KEPT * caches.l2Bytes, l3Bytes: caches.l3Bytes }, bytes / images);
  const gradientSweeps = Math.max(1, Math.ceil(columns / (lanes * taps)));
  const first = nests[0]!;
  nests[0] = {
    ...first,
    streams: [
      { lines: gradientLines, level: origin.weights, pattern: 'ahead' },
      {
        lines: gradientLines * (gradientSweeps - 1),
        level: again(conv.weightElements * elementBytes),
        pattern: 'sequence',
      },
      { lines: operandLines, level: origin.operand, pattern: 'ahead' },
      { lines: operandLines * (passes - 1), level: again(conv.operandElements * elementBytes), pattern: 'ahead' },
      { lines: operandLines * passes + gradientLines * gradientSweeps, level: 1, pattern: 'panel' },
      { lines: linesOf(conv.resultElements * sumBytes), level: origin.result, pattern: 'write' },
    ],
  };
  // Too few blocks of channels for all cores: images are divided too, and the cores' sums added up at the end.
  const blocks = groups * passes * Math.ceil(columns / width);
  const parts = Math.min(images, Math.ceil((2 * cores) / blocks));
  const way = dealt(nests, blocks * parts, cores);
  if (parts === 1) return way;
  const sums = parts * conv.resultElements;
  const adding: Nest = {
    role: 'pass',
    code: passLoop(math.set, { loads: 4, stores: 0, operations: 4, divisions: 0 }),
    steps: sums,
    entries: 1,
    lanesDone: 0,
    streams: [
      { lines: linesOf(sums * sumBytes), level: levelOf(caches, (sums * sumBytes) / cores), pattern: 'sequence' },
    ],
  };
  return { ...way, nests: [...way.nests, scaled(adding, 1 / way.share)] };
}
