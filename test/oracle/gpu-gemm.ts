import { COPY, GLOBAL, MATH, SHARED, type WarpProgram } from '../../src/models/gpu/program.ts';
import type { MathInstruction, Tile } from '../../src/models/gpu/lower/tile.ts';
import { Hazard, type Meaning, type Place } from './gpu-sm.ts';

/**
 * What the instructions of a tiled product do to values. A register or a piece of shared memory is lost when an instruction that
 * writes it issues, and holds its new value when that instruction's result arrives; reading it in between is a Hazard. Whether the
 * program waits long enough is its own business: nothing here looks at scoreboard slots but as names of registers.
 */

/** Rows of numbers. */
export type Matrix = readonly (readonly number[])[];

export interface GemmBlocks {
  readonly tile: Tile;
  readonly math: MathInstruction;
  /** tile.m x K; block b multiplies it by columns b x tile.n ... of `right`, which is K x (blocks x tile.n). */
  readonly left: Matrix;
  readonly right: Matrix;
  /** Added to the product if the program reads the result; tile.m x (blocks x tile.n). */
  readonly addend: Matrix | null;
  /** What the instructions of one group add to a sum: the products of a row and a column, math.k each. */
  readonly dot: Dot;
}

export type Dot = (row: readonly number[], column: readonly number[], sum: number) => number;

/** One product after the other, in exact arithmetic as far as numbers of 64 bits are. */
export const plainDot: Dot = (row, column, sum) =>
  row.reduce((total, value, index) => total + value * column[index]!, sum);

/** Part of a tile of both operands in shared memory: which tile along K, and what of it. */
interface Chunk {
  readonly tileIndex: number;
  readonly values: readonly number[];
}

interface Fragment {
  readonly step: number;
  readonly values: readonly number[];
}

interface WarpState {
  /** Instructions of each kind that have issued. */
  readonly counts: Map<string, number>;
  /** What the conversion under way has taken: which part of the result, and its values. */
  converting: { readonly n: number; readonly values: readonly number[] };
  /** Slot of the fragments that the group of math instructions under way reads. */
  /** Loaded from global memory, not yet in shared memory: one register each. */
  readonly staged: Map<number, readonly number[]>;
  /** By slot, then by part. */
  readonly fragments: Map<number, Map<number, Fragment>>;
  readonly sums: (number[] | null)[];
  readonly exchanged: Map<number, readonly number[]>;
  readonly readBack: Map<number, readonly number[]>;
  readonly addend: Map<number, readonly number[]>;
  readonly ready: Map<number, readonly number[]>;
}

function taken<T>(from: Map<number, T>, key: number, what: string): T {
  const value = from.get(key);
  if (value === undefined) throw new Hazard(`${what} ${key} is read before it has arrived`);
  return value;
}

/** How many instructions of a kind came before this one. */
function next(state: WarpState, kind: string): number {
  const n = state.counts.get(kind) ?? 0;
  state.counts.set(kind, n + 1);
  return n;
}

/** The n-th of `parts` nearly equal parts of a list. */
function part<T>(list: readonly T[], parts: number, n: number): readonly T[] {
  return list.slice(Math.floor((n * list.length) / parts), Math.floor(((n + 1) * list.length) / parts));
}

/** Meaning of a tile's program, and the result it writes: tile.m x (blocks x tile.n), undefined where nothing was written. */
export function gemmMeaning(
  program: WarpProgram,
  gemm: GemmBlocks,
): { meaning: Meaning; result: (number | undefined)[][] } {
  const { tile, math, left, right, addend, dot } = gemm;
  const warps = tile.warpsM * tile.warpsN;
  const [warpM, warpN] = [tile.m / tile.warpsM, tile.n / tile.warpsN];
  const [groupsM, groupsN] = [warpM / math.m, warpN / math.n];
  const steps = tile.k / math.k;
  const loadsPerTile = program.body.filter(({ pipe }) => pipe === GLOBAL).length;
  const partsPerStep = program.body.filter(({ pipe, reads }) => pipe === SHARED && reads.length === 0).length / steps;
  const resultParts = program.epilogue.filter(({ pipe, writes }) => pipe === GLOBAL && writes === 0).length;
  const chunks = warps * loadsPerTile;

  // Elements of a tile of both operands in the order of chunks: [row, k] of the left one, then [k, column] of the right one.
  const leftPlaces = Array.from({ length: tile.m * tile.k }, (_, e) => ({
    left: true,
    line: Math.floor(e / tile.k),
    k: e % tile.k,
  }));
  const rightPlaces = Array.from({ length: tile.n * tile.k }, (_, e) => ({
    left: false,
    line: Math.floor(e / tile.k),
    k: e % tile.k,
  }));
  const places = [...leftPlaces, ...rightPlaces].map((place, index) => ({ ...place, index }));
  const placesOfChunk = Array.from({ length: chunks }, (_, n) => part(places, chunks, n));
  const chunkOf = placesOfChunk.flatMap((own, chunk) => own.map((_, offset) => ({ chunk, offset })));

  const shared = new Map<string, Chunk>();
  const width = right[0]!.length;
  const result = left.map(() => new Array<number | undefined>(width).fill(undefined));
  const states = new Map<number, WarpState>();
  const stateOf = (warp: number): WarpState => {
    let state = states.get(warp);
    if (state === undefined) {
      state = {
        counts: new Map(),
        converting: { n: 0, values: [] },
        staged: new Map(),
        fragments: new Map(),
        exchanged: new Map(),
        readBack: new Map(),
        addend: new Map(),
        ready: new Map(),
        sums: Array.from({ length: groupsM * groupsN }, () => new Array<number>(math.m * math.n).fill(0)),
      };
      states.set(warp, state);
    }
    return state;
  };

  const columnsOf = ({ block, warpInBlock }: Place) => block * tile.n + (warpInBlock % tile.warpsN) * warpN;
  const rowsOf = ({ warpInBlock }: Place) => Math.floor(warpInBlock / tile.warpsN) * warpM;

  /** Beyond the operands' end there is nothing that may be used. */
  const chunkValues = (place: Place, tileIndex: number, chunk: number): Chunk => ({
    tileIndex,
    values: placesOfChunk[chunk]!.map(({ left: isLeft, line, k }) => {
      const row = tileIndex * tile.k + k;
      return (isLeft ? left[line]![row] : right[row]?.[place.block * tile.n + line]) ?? Number.NaN;
    }),
  });

  const intoShared = (place: Place, tileIndex: number, chunk: number, arriving: Chunk): (() => void) => {
    const key = `${place.block}/${tileIndex % tile.stages}/${chunk}`;
    shared.delete(key);
    return () => shared.set(key, arriving);
  };

  const load = (place: Place, state: WarpState): (() => void) => {
    const n = next(state, 'loads');
    const tileIndex = Math.floor(n / loadsPerTile);
    const chunk = place.warpInBlock * loadsPerTile + (n % loadsPerTile);
    const loaded = chunkValues(place, tileIndex, chunk);
    if (place.instruction.effect === COPY) return intoShared(place, tileIndex, chunk, loaded);
    const register = n % loadsPerTile;
    state.staged.delete(register);
    return () => state.staged.set(register, loaded.values);
  };

  const store = (place: Place, state: WarpState): (() => void) => {
    const n = next(state, 'stores');
    const register = n % loadsPerTile;
    const tileIndex = Math.floor(n / loadsPerTile);
    const values = taken(state.staged, register, 'staged load');
    return intoShared(place, tileIndex, place.warpInBlock * loadsPerTile + register, { tileIndex, values });
  };

  /** Where a warp's fragments of one step lie in a tile: math.k of its rows, then math.k of its columns. */
  const fragmentPlaces = (place: Place, stepInTile: number) => {
    const firstRow = rowsOf(place);
    const firstColumn = (place.warpInBlock % tile.warpsN) * warpN;
    return places.filter(({ left: isLeft, line, k }) => {
      const [first, count] = isLeft ? [firstRow, warpM] : [firstColumn, warpN];
      return Math.floor(k / math.k) === stepInTile && line >= first && line < first + count;
    });
  };

  const loadFragment = (place: Place, state: WarpState): (() => void) => {
    const n = next(state, 'fragmentLoads');
    const [step, which] = [Math.floor(n / partsPerStep), n % partsPerStep];
    const tileIndex = Math.floor(step / steps);
    const values = part(fragmentPlaces(place, step % steps), partsPerStep, which).map(({ index }) => {
      const { chunk, offset } = chunkOf[index]!;
      const found = shared.get(`${place.block}/${tileIndex % tile.stages}/${chunk}`);
      if (found?.tileIndex !== tileIndex)
        throw new Hazard(`tile ${tileIndex} is not in shared memory when step ${step} reads it`);
      return found.values[offset]!;
    });
    const { writes } = place.instruction;
    const set = state.fragments.get(writes) ?? new Map<number, Fragment>();
    state.fragments.set(writes, set);
    set.delete(which);
    return () => set.set(which, { step, values });
  };

  /** Group of sums 0 ... of one step: its rows times its columns are added by the instructions of the group, played as one. */
  const multiply = (place: Place, state: WarpState): (() => void) | undefined => {
    const n = next(state, 'maths');
    const group = n % (groupsM * groupsN);
    const step = Math.floor(n / (groupsM * groupsN));
    if (place.instruction.count !== math.steps) throw new Hazard(`group ${group} misses instructions`);
    const set = state.fragments.get(place.instruction.reads[0]!) ?? new Map<number, Fragment>();
    const values = Array.from({ length: partsPerStep }, (_, which) => {
      const fragment = taken(set, which, `fragment of step ${step}`);
      if (fragment.step !== step) throw new Hazard(`step ${step} reads fragments of step ${fragment.step}`);
      return fragment.values;
    }).flat();
    const sums = state.sums[group];
    if (sums === null || sums === undefined)
      throw new Hazard(`sums of group ${group} are used before they have arrived`);
    const line = (index: number): readonly number[] => values.slice(index * math.k, (index + 1) * math.k);
    const [firstM, firstN] = [Math.floor(group / groupsN) * math.m, (group % groupsN) * math.n];
    const added = sums.map((sum, e) =>
      dot(line(firstM + Math.floor(e / math.n)), line(warpM + firstN + (e % math.n)), sum),
    );
    state.sums[group] = null;
    return () => {
      state.sums[group] = added;
    };
  };

  /** Places of a warp's result, group by group: that is how its registers hold them. */
  const resultPlaces = (place: Place): readonly { group: number; element: number; row: number; column: number }[] =>
    Array.from({ length: warpM * warpN }, (_, e) => {
      const [group, element] = [Math.floor(e / (math.m * math.n)), e % (math.m * math.n)];
      return {
        group,
        element,
        row: rowsOf(place) + Math.floor(group / groupsN) * math.m + Math.floor(element / math.n),
        column: columnsOf(place) + (group % groupsN) * math.n + (element % math.n),
      };
    });

  const sumOf = (state: WarpState, { group, element }: { group: number; element: number }): number => {
    const sums = state.sums[group];
    if (sums === null || sums === undefined)
      throw new Hazard(`sums of group ${group} are stored before they have arrived`);
    return sums[element]!;
  };

  const finish = (place: Place, state: WarpState): (() => void) | undefined => {
    const { pipe, reads, writes } = place.instruction;
    const own = (n: number) => part(resultPlaces(place), resultParts, n);
    if (pipe === GLOBAL && writes !== 0) {
      const n = next(state, 'addends');
      const values = own(n).map(({ row, column }) => addend![row]![column]!);
      return () => state.addend.set(n, values);
    }
    if (pipe === GLOBAL) {
      const n = next(state, 'results');
      const values = taken(state.ready, n, 'converted result');
      own(n).forEach(({ row, column }, e) => {
        result[row]![column] = values[e]!;
      });
      return undefined;
    }
    if (pipe === SHARED) {
      // Into shared memory and out again, in turn.
      const turn = next(state, 'exchanges');
      const n = Math.floor(turn / 2);
      const values =
        turn % 2 === 0 ? own(n).map((one) => sumOf(state, one)) : taken(state.exchanged, n, 'exchanged result');
      const target = turn % 2 === 0 ? state.exchanged : state.readBack;
      return () => target.set(n, values);
    }
    // The first of the instructions that convert a result takes its operands, the last one delivers it.
    if (reads.length > 0) {
      const n = next(state, 'conversions');
      const added = addend === null ? null : taken(state.addend, n, 'addend');
      const values = taken(state.readBack, n, 'result read back').map((value, e) => value + (added?.[e] ?? 0));
      state.converting = { n, values };
    }
    if (writes === 0) return undefined;
    const { n, values } = state.converting;
    return () => state.ready.set(n, values);
  };

  const meaning: Meaning = (place) => {
    const state = stateOf(place.warp);
    const { pipe, reads } = place.instruction;
    if (place.part === 'epilogue') return finish(place, state);
    if (pipe === GLOBAL) return load(place, state);
    if (pipe === SHARED) return reads.length > 0 ? store(place, state) : loadFragment(place, state);
    if (pipe === MATH) return multiply(place, state);
    return undefined;
  };
  return { meaning, result };
}
