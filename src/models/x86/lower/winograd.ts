import { tilesOf, transformedSide } from '../../winograd.ts';
import type { SystemSpec } from '../system.ts';
import { levelOf, linesOf } from '../units/caches.ts';
import { convLoop } from './conv-code.ts';
import { type ConvSetting, KEPT } from './conv-setting.ts';
import type { ConvLoops } from './convolution.ts';
import { covered } from './cover.ts';
import { SUM_BITS, type Tile, tileEnd } from './gemm-code.ts';
import { type PassWork, passLoop } from './pass-code.ts';
import type { Level, Nest, Stream } from './nest.ts';
import { dealt, type Way } from './way.ts';

const FILTER = 3;

interface Transforms {
  readonly operand: PassWork;
  readonly filter: PassWork;
  readonly result: PassWork;
}

/**
 * Vectors loaded and stored and operations on them per tile of a vector of channels, by the side of a tile of results. Operations: Lavin
 * and Gray, sections 4.1 and 4.3; loads and stores: tiles of 6 x 6 do not fit the registers, and oneDNN 2.6 takes them to memory between
 * gathering, columns and rows.
 */
const TRANSFORMS: Readonly<Record<2 | 4, Transforms>> = {
  2: {
    operand: { loads: 16, stores: 16, operations: 32, divisions: 0 },
    filter: { loads: 9, stores: 16, operations: 28, divisions: 0 },
    result: { loads: 16, stores: 4, operations: 24, divisions: 0 },
  },
  4: {
    operand: { loads: 3 * 36, stores: 3 * 36, operations: 144, divisions: 0 },
    filter: { loads: 9 + 18, stores: 18 + 36, operations: 72, divisions: 0 },
    result: { loads: 36 + 24, stores: 24 + 16, operations: 100, divisions: 0 },
  },
};

/** Sums of a product's tile: two vectors of channels x 14 tiles of the image with 32 registers, three x four with 16. */
const PRODUCT_TILES = { avx512: [2, 14], avx2: [3, 4], sse: [2, 4] } as const;

/** Winograd's convolutions that the library has for this one; `areTransformed`: filters are, once for all calls. */
export function winogradWays(
  conv: ConvLoops,
  setting: ConvSetting,
  { results, leastImages }: SystemSpec['winograd'],
  areTransformed: boolean,
): Way[] {
  const { rowAxis, columnAxis, groups, pass, images } = conv;
  const isPlain = [rowAxis, columnAxis].every(
    ({ taps, stride, dilation }) => taps === FILTER && stride === 1 && dilation === 1,
  );
  const { format, bits } = setting.math;
  const lanes = bits / SUM_BITS[format];
  if (!isPlain || groups > 1 || pass === 'weight-gradient' || format !== 'fp32' || images < leastImages) return [];
  if (conv.depth / conv.taps < lanes) return [];
  return results.flatMap((side) =>
    (['near', 'whole'] as const).map((stages) => winograd(conv, side, lanes, setting, stages, areTransformed)),
  );
}

/**
 * Transforms tiles of the operand, multiplies at every position of a tile, transforms sums back: `near` for so many tiles at a time as the
 * second level holds in between, `whole` for all of a core.
 */
function winograd(
  conv: ConvLoops,
  side: 2 | 4,
  lanes: number,
  setting: ConvSetting,
  stages: 'near' | 'whole',
  areTransformed: boolean,
): Way {
  const { math, elementBytes, resultBytes, caches, origin, cores } = setting;
  const inside = conv.depth / conv.taps;
  const [insideVectors, outsideVectors] = [Math.ceil(inside / lanes), Math.ceil(conv.laneChannels / lanes)];
  const positions = transformedSide(side, FILTER) ** 2;
  const map = [conv.rowAxis, conv.columnAxis].map(({ positions: results, operand }) =>
    conv.pass === 'forward' ? results : operand,
  ) as [number, number];
  const tiles = tilesOf(conv.images, map, [side, side]);
  const [mostVectors, width] = PRODUCT_TILES[math.set];

  // Bytes of one tile on its way, before and after the products.
  const [before, after] = [insideVectors, outsideVectors].map(
    (vectors) => positions * vectors * lanes * elementBytes,
  ) as [number, number];
  const perCore = Math.ceil(tiles / cores);
  const fitting = Math.floor((KEPT * caches.l2Bytes) / (before + after) / width) * width;
  const block = stages === 'whole' ? perCore : Math.min(perCore, Math.max(width, fitting));
  const room = { l2Bytes: KEPT * caches.l2Bytes, l3Bytes: caches.l3Bytes };
  const between: Level = levelOf(room, block * (before + after));
  const rounds = Math.ceil(tiles / block);

  const filterBytes = positions * insideVectors * outsideVectors * lanes ** 2 * elementBytes;
  const transform = (work: PassWork, times: number, streams: readonly Stream[]): Nest => {
    const code = passLoop(math.set, work);
    return { role: 'pack', code, steps: times * code.steps, entries: 1, lanesDone: 0, streams };
  };
  const nests: Nest[] = [];
  const transforms = TRANSFORMS[side];
  if (!areTransformed)
    nests.push(
      transform(transforms.filter, insideVectors * lanes * outsideVectors, [
        { lines: linesOf(filterBytes), level: levelOf(caches, filterBytes), pattern: 'write' },
      ]),
    );
  nests.push(
    transform(transforms.operand, tiles * insideVectors, [
      { lines: linesOf(conv.operandElements * elementBytes), level: origin.operand, pattern: 'sequence' },
      { lines: linesOf(tiles * before), level: between, pattern: 'write' },
    ]),
  );
  const heights = covered(outsideVectors, mostVectors);
  const columns = covered(tiles, width);
  for (const { size: vectors, count: pairs } of heights)
    for (const { size, count } of columns) {
      const tile: Tile = { style: 'broadcast', vectors, columns: size, unroll: 1 };
      const times = positions * pairs * count;
      nests.push(
        {
          role: 'multiply',
          code: convLoop(math, tile, lanes),
          steps: times * inside,
          entries: times,
          lanesDone: times * inside * vectors * lanes * size,
          streams: [],
        },
        { role: 'finish', code: tileEnd(math, tile, false), steps: times, entries: 0, lanesDone: 0, streams: [] },
      );
    }
  const first = nests.findIndex(({ role }) => role === 'multiply');
  const sweeps = heights.reduce((sum, { count }) => sum + count, 0);
  const staysNear = (block * before) / positions <= KEPT * caches.l1Bytes;
  nests[first] = {
    ...nests[first]!,
    streams: [
      {
        lines: linesOf(filterBytes),
        level: areTransformed ? origin.weights : levelOf(caches, filterBytes),
        pattern: 'ahead',
      },
      { lines: linesOf(filterBytes) * (rounds - 1), level: levelOf(room, filterBytes), pattern: 'ahead' },
      { lines: linesOf(filterBytes) * rounds, level: 1, pattern: 'panel' },
      { lines: linesOf(tiles * before), level: between, pattern: 'ahead' },
      { lines: linesOf(tiles * before) * (staysNear ? 1 : sweeps), level: 1, pattern: 'panel' },
      { lines: linesOf(tiles * after), level: between, pattern: 'write' },
    ],
  };
  nests.push(
    transform(transforms.result, tiles * outsideVectors, [
      { lines: linesOf(tiles * after), level: between, pattern: 'sequence' },
      { lines: linesOf(conv.resultElements * resultBytes), level: origin.result, pattern: 'write' },
    ]),
  );
  return dealt(nests, Math.ceil(tiles / width), cores);
}
