import {
  type Address,
  type CoreTiming,
  drainableAfter,
  type Fmac,
  NO_STREAMS,
  type PortTransfer,
  type Program,
  repeat,
  type Result,
  type Step,
  storableAfter,
  type Stream,
  type Word,
  wait,
} from './program.ts';

/**
 * C += A B on one core by rank-1 updates: blocks of A lie two-dimensionally in memories A and are sent along the lanes, panels of B lie in
 * memories B, the same in all lanes; of C one tile, an element a PE, is summed at a time. All sizes are multiples of the core's side.
 */
export interface GemmShape {
  /**
   * The sums are cut into so many parts of `depth`, one after the other; between them C leaves and comes back, for which a part must have
   * three tiles. One part if C stays.
   */
  readonly parts: number;
  /** A part of A is cut into so many blocks of `blockRows` x `depth`; each works on all columns before the next. */
  readonly blocks: number;
  readonly blockRows: number;
  readonly depth: number;
  /** Columns of B and C. */
  readonly columns: number;
  /** Whether A comes through the ports, block by block, or lies in memory A from the start. */
  readonly streamsA: boolean;
  /** Whether all panels of a part lie in memory B for all its blocks, beside those of the next part, or come anew for each block, one ahead. */
  readonly keepsB: boolean;
  /** Whether C comes and goes through the ports, or stays in memory A, behind A; then A streams in one block at most. */
  readonly streamsC: boolean;
  /** A is stored with rows and columns exchanged, and rows and columns of PEs change parts. */
  readonly transposed: boolean;
}

/** A shape in tiles, with the words of a PE that follow from it. */
interface Tiling {
  readonly tilesPerBlock: number;
  readonly panels: number;
  /** Steps of a reduction that one PE sends. */
  readonly slices: number;
  readonly blockWords: number;
  /** Of all that is in memory A of A, and in memory B of B, at a time. */
  readonly aWords: number;
  readonly bWords: number;
  /** Panels of B that are there before the first product, and those that come in all. */
  readonly firstPanels: number;
  readonly loadedPanels: number;
  /** Tiles of C, as often as they are worked on. */
  readonly tiles: number;
}

function tiling(size: number, { parts, blocks, blockRows, depth, columns, streamsA, keepsB }: GemmShape): Tiling {
  const tilesPerBlock = blockRows / size;
  const panels = columns / size;
  const slices = depth / size;
  const blockWords = tilesPerBlock * slices;
  return {
    tilesPerBlock,
    panels,
    slices,
    blockWords,
    aWords: (streamsA ? Math.min(2, parts * blocks) : parts * blocks) * blockWords,
    bWords: keepsB ? Math.min(2, parts) * panels * depth : 2 * depth,
    firstPanels: keepsB ? panels : 1,
    loadedPanels: keepsB ? parts * panels : parts * blocks * panels,
    tiles: parts * blocks * panels * tilesPerBlock,
  };
}

/** Tiles of a part from which on a result has left before the next part needs it: one is computed, one leaves, one comes. */
export const LEAST_TILES_OF_PART = 3;

/** Depths of the loops over parts of the sums, blocks of A and panels of B; tiles and steps of the reduction lie within. */
const PART = 0;
const BLOCK = 1;
const PANEL = 2;

export function gemm(timing: CoreTiming, shape: GemmShape): Program {
  const { size } = timing;
  const { parts, blocks, depth, streamsA, streamsC, transposed } = shape;
  const { tilesPerBlock, panels, blockWords, firstPanels, loadedPanels, tiles } = tiling(size, shape);
  const prologue = [
    ...(streamsC ? portWords('initial', size) : []),
    ...portWords('b', firstPanels * depth),
    ...(streamsA ? portWords('a', size * blockWords) : []),
  ];
  const epilogue = streamsC ? [...wait(drainableAfter(timing) - 1), ...portWords('result', size)] : [];
  return {
    transposed,
    steps: [
      ...prologue,
      ...repeat(parts, repeat(blocks, repeat(panels, repeat(tilesPerBlock, tileSteps(timing, shape))))),
      ...epilogue,
    ],
    skewCycles: 0,
    drainCycles: streamsC ? 0 : Math.max(0, storeDelay(timing, shape) - trailingWords(timing, shape)),
    streamWords: {
      ...NO_STREAMS,
      a: streamsA ? parts * blocks * size * blockWords : 0,
      b: loadedPanels * depth,
      initial: streamsC ? tiles * size : 0,
      result: streamsC ? tiles * size : 0,
    },
    vectorWords: 0,
  };
}

/** Cycles until the next program may follow, as counting the program gives them. */
export function gemmIssueCycles(timing: CoreTiming, shape: GemmShape): number {
  const { size } = timing;
  const { depth, streamsA, streamsC } = shape;
  const { blockWords, firstPanels, tiles } = tiling(size, shape);
  const period = depth + trailingWords(timing, shape);
  const first = firstPanels * depth + (streamsA ? size * blockWords : 0);
  const results = streamsC ? drainableAfter(timing) - 1 + 2 * size : 0;
  return first + tiles * period + results;
}

function portWords(stream: Stream, words: number): Step[] {
  return repeat(words, [{ kind: 'word', port: { stream } }]);
}

/** Successive words of a tile that do the same. */
interface Run<What> {
  readonly words: number;
  readonly what: What;
}

/** Words of the next panel of B (of those of the next part, if they stay) and of the next block of A that pass the ports during a tile. */
function sharesOf(size: number, shape: GemmShape): { readonly b: number; readonly a: number } {
  const { parts, blocks, depth, streamsA, keepsB } = shape;
  const { tilesPerBlock, panels, blockWords, firstPanels, loadedPanels } = tiling(size, shape);
  const tilesOfPanel = keepsB ? blocks * tilesPerBlock : tilesPerBlock;
  return {
    b: loadedPanels > firstPanels ? Math.ceil(depth / tilesOfPanel) : 0,
    a: streamsA && parts * blocks > 1 ? Math.ceil((size * blockWords) / (tilesPerBlock * panels)) : 0,
  };
}

function movesC({ streamsC }: GemmShape, { tiles }: Tiling): boolean {
  return streamsC && tiles > 1;
}

/** What passes the ports while a tile is computed: shares of the next panel of B and block of A, the next tile of C, the last result. */
function transfers(timing: CoreTiming, shape: GemmShape): Run<PortTransfer | null>[] {
  const { size } = timing;
  const { depth, keepsB } = shape;
  const tiles = tiling(size, shape);
  const shares = sharesOf(size, shape);
  const runs: Run<PortTransfer | null>[] = [];
  let words = 0;
  const add = (count: number, what: PortTransfer | null): void => {
    if (count <= 0) return;
    runs.push({ words: count, what });
    words += count;
  };
  add(shares.b, { stream: 'b', quota: { depth: keepsB ? PART : PANEL, words: tiles.firstPanels * depth } });
  add(shares.a, { stream: 'a', quota: { depth: BLOCK, words: size * tiles.blockWords } });
  if (movesC(shape, tiles)) {
    add(size, { stream: 'initial' });
    add(drainableAfter(timing) - 1 - words, null);
    add(size, { stream: 'result' });
  }
  return runs;
}

/** Multiply-adds of a tile: the first starts from the initial value, the last hands on the sum. */
function multiplyAdds(shape: GemmShape): Run<'first' | 'middle' | 'last' | 'only'>[] {
  const { depth } = shape;
  if (depth === 1) return [{ words: 1, what: 'only' }];
  const middle = depth > 2 ? [{ words: depth - 2, what: 'middle' as const }] : [];
  return [{ words: 1, what: 'first' }, ...middle, { words: 1, what: 'last' }];
}

/** Words of a tile behind its last multiply-add. */
function trailingWords(timing: CoreTiming, shape: GemmShape): number {
  const { size } = timing;
  const { b, a } = sharesOf(size, shape);
  const words = movesC(shape, tiling(size, shape)) ? Math.max(b + a + size, drainableAfter(timing) - 1) + size : b + a;
  return Math.max(0, words - shape.depth);
}

/** Cycles from the last multiply-add of a tile until it is stored: when another tile's first word does not read memory A. */
function storeDelay(timing: CoreTiming, shape: GemmShape): number {
  const earliest = storableAfter(timing);
  const period = shape.depth + trailingWords(timing, shape);
  return (shape.depth - 1 + earliest) % period === 0 ? earliest + 1 : earliest;
}

/** Both kinds of runs beside each other, cut where either changes. */
function tileSteps(timing: CoreTiming, shape: GemmShape): Step[] {
  const adds = multiplyAdds(shape);
  const ports = transfers(timing, shape);
  const addresses = tileAddresses(timing, shape);
  const steps: Step[] = [];
  let [add, port, addUsed, portUsed, start] = [0, 0, 0, 0, 0];
  while (add < adds.length || port < ports.length) {
    const [left, right] = [adds[add], ports[port]];
    const words = Math.min(
      left === undefined ? Number.POSITIVE_INFINITY : left.words - addUsed,
      right === undefined ? Number.POSITIVE_INFINITY : right.words - portUsed,
    );
    const transfer = right?.what ?? null;
    const word: Word = {
      kind: 'word',
      ...(left !== undefined && multiplyAdd(shape, addresses, start, left.what)),
      ...(transfer !== null && { port: transfer }),
    };
    steps.push(...repeat(words, [word]));
    start += words;
    addUsed += words;
    portUsed += words;
    if (left !== undefined && addUsed === left.words) [add, addUsed] = [add + 1, 0];
    if (right !== undefined && portUsed === right.words) [port, portUsed] = [port + 1, 0];
  }
  return steps;
}

/** Where the words of a tile find their operands and leave the sum. */
interface TileAddresses {
  readonly a: Address;
  readonly aStride: number;
  readonly b: Address;
  readonly c: Address;
  readonly sum: Result;
}

function tileAddresses(timing: CoreTiming, shape: GemmShape): TileAddresses {
  const { blocks, depth, streamsA, streamsC, keepsB, transposed } = shape;
  const { tilesPerBlock, panels, slices, blockWords, aWords, bWords } = tiling(timing.size, shape);
  // Stored as it is, the slices of a tile follow each other; stored the other way, the tiles of a slice do.
  const [tileStride, aStride] = transposed ? [1, tilesPerBlock] : [slices, 1];
  const aStrides = [blocks * blockWords, blockWords, 0, tileStride];
  const a: Address = { offset: 0, strides: aStrides, ...(streamsA && { modulus: aWords }) };
  const partPanels = keepsB ? panels : blocks * panels;
  const b: Address = {
    offset: 0,
    strides: [partPanels * depth, keepsB ? 0 : panels * depth, depth, 0],
    modulus: bWords,
  };
  const c: Address = { offset: aWords, strides: [0, tilesPerBlock * panels, 1, panels] };
  const sum: Result = streamsC
    ? { to: 'output' }
    : { to: 'memoryA', address: c, delayCycles: storeDelay(timing, shape) };
  return { a, aStride, b, c, sum };
}

/** The word for step `start` of a reduction and, in a loop, those after it. */
function multiplyAdd(
  { streamsC }: GemmShape,
  { a, aStride, b, c, sum }: TileAddresses,
  start: number,
  place: 'first' | 'middle' | 'last' | 'only',
): Pick<Word, 'fmac' | 'initial'> {
  const isFirst = place === 'first' || place === 'only';
  const isLast = place === 'last' || place === 'only';
  const fmac: Fmac = {
    left: { from: 'bus', step: { offset: start, strides: [0, 0, 0, 0, 1] }, address: a, stride: aStride },
    right: { from: 'memoryB', address: { ...b, offset: start, strides: [...b.strides, 1] } },
    addend: isFirst ? 'initial' : 'accumulator',
    result: isLast ? sum : { to: 'accumulator' },
  };
  return { fmac, ...(isFirst && !streamsC && { initial: c }) };
}
