import { levelOf, linesOf } from '../units/caches.ts';
import { CALL_CYCLES, type ConvSetting, KEPT } from './conv-setting.ts';
import type { ConvLoops } from './convolution.ts';
import { covered } from './cover.ts';
import { REDUCTION_STEPS, type Tile, tileEnd, tileLoop, type TileMath } from './gemm-code.ts';
import { REGISTERS } from './isa.ts';
import type { Level, Nest } from './nest.ts';
import { passLoop } from './pass-code.ts';
import { dealt, scaled, type Way } from './way.ts';

/** Vectors of channels that tiles are tried with. */
const VECTORS = [1, 2, 4] as const;
/** Narrower tiles than this share of the widest are not tried to fit a row better. */
const NARROWEST = 0.7;
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

/** Ways to sum up a weight gradient. */
export function weightGradientWays(conv: ConvLoops, lanes: number, setting: ConvSetting): Way[] {
  const blocks = Math.ceil(conv.laneChannels / lanes);
  return VECTORS.filter((vectors) => vectors <= blocks).map((vectors) => weightGradient(conv, vectors, lanes, setting));
}

/** Channels x channels and taps, summed over positions: the result's gradient along the lanes, operands repeated. */
function weightGradient(conv: ConvLoops, vectors: number, lanes: number, setting: ConvSetting): Way {
  const { math, elementBytes, sumBytes, caches, origin, cores } = setting;
  const { images, groups, depth, taps } = conv;
  const rowPositions = conv.columnAxis.positions;
  const columns = Math.max(1, Math.round(conv.resultElements / (groups * conv.laneChannels)));
  const width = widthOf(math, vectors, columns);
  const channelBlocks = Math.ceil(conv.laneChannels / lanes);
  const passes = Math.ceil(channelBlocks / vectors);
  const atATime = rowPositions * Math.max(1, Math.floor(SUMMED_POSITIONS / rowPositions));
  const depthBlocks = Math.ceil(depth / atATime);
  const nests: Nest[] = [];
  for (const { size, count } of covered(columns, width)) {
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
