import type { Asm } from '../assembler.ts';
import { type LoopCode, POINTER } from './code.ts';
import {
  advance,
  arithmetic,
  at,
  type Bits,
  broadcast,
  duplicate,
  load,
  prefetch,
  REGISTERS,
  store,
  type VectorSet,
  vector,
} from './isa.ts';

/** What kernels multiply. Sums are 32-bit integers for integers, else in the format itself. */
export type MathFormat = 'fp32' | 'fp64' | 'int8' | 'int16';

/** How many steps of the reduction one multiplication of a lane takes: bytes by fours, words by pairs. */
export const REDUCTION_STEPS: Readonly<Record<MathFormat, number>> = { fp32: 1, fp64: 1, int8: 4, int16: 2 };

/** Bits of the sums, which give the lanes of a vector. */
export const SUM_BITS: Readonly<Record<MathFormat, number>> = { fp32: 32, fp64: 64, int8: 32, int16: 32 };

export interface TileMath {
  readonly set: VectorSet;
  readonly bits: Bits;
  readonly format: MathFormat;
  /** Bytes and words are multiplied and summed in one instruction (VNNI). */
  readonly dotProducts: boolean;
}

/**
 * A block of results kept in registers. `broadcast`: vectors of the left operand times repeated elements of the right one;
 * `embedded`: the same with elements repeated by each multiply-add, where the instruction set can.
 * `pairs`: even and odd elements of one vector times pairs of the right one, half as many loads; `quads`: the same by
 * fours for blocks of 8 rows or fewer (the kernels of OpenBLAS for AVX-512). `dot`: both operands run along the
 * reduction and the lanes are summed at the end.
 */
export interface Tile {
  readonly style: 'broadcast' | 'embedded' | 'pairs' | 'quads' | 'dot';
  /** Vectors along the rows (quads: registers of four columns; dot: rows). */
  readonly vectors: number;
  readonly columns: number;
  /** Steps of the reduction in one pass through the loop: assembler kernels unroll it, compiled ones do not. */
  readonly unroll: 1 | 4;
}

/** Ahead of use, in bytes: what the kernels of OpenBLAS fetch of the packed left operand. */
const PREFETCH_AHEAD = 512;
const FIRST_SUM = 8;

function multiplyAdd(math: TileMath, sum: number, left: number, right: number): Asm[] {
  const { set, bits, format, dotProducts } = math;
  const run = (operation: Parameters<typeof arithmetic>[2], to: number, a: number, b: number): Asm[] =>
    arithmetic(set, bits, operation, vector(to), vector(a), vector(b));
  if (format === 'fp32') return run('fma32', sum, left, right);
  if (format === 'fp64') return run('fma64', sum, left, right);
  if (format === 'int8' && dotProducts) return run('dotBytes', sum, left, right);
  if (format === 'int16' && dotProducts) return run('dotWords', sum, left, right);
  // Without them: products of bytes to words, words to 32 bits by ones, and an addition.
  const scratch = 3;
  const ones = 2;
  const words =
    format === 'int8'
      ? [...run('multiplyBytes', scratch, left, right), ...run('multiplyWords', scratch, scratch, ones)]
      : run('multiplyWords', scratch, left, right);
  return [...words, ...run('addWords32', sum, sum, scratch)];
}

/** Columns of the right operand are packed by fours, each four a stream of its own. */
function columnAddress(group: number, offset: number): ReturnType<typeof at> {
  const [base, place] = group < 3 ? [POINTER.right, group] : [POINTER.rightFar, group - 3];
  return place === 0 ? at(base, offset) : at(base, offset, place === 1 ? POINTER.stride : POINTER.others[0]);
}

function pairStep(math: TileMath, { columns }: Tile, out: Asm[]): void {
  const { set, bits } = math;
  if (columns === 1) {
    out.push(load(set, bits, vector(4), at(POINTER.left)), ...broadcast(set, bits, 32, vector(6), at(POINTER.right)));
    out.push(...multiplyAdd(math, FIRST_SUM, 4, 6));
    return;
  }
  out.push(
    duplicate(set, bits, 'even', vector(4), at(POINTER.left)),
    duplicate(set, bits, 'odd', vector(5), at(POINTER.left)),
  );
  if (columns >= 4) out.push(prefetch(0, at(POINTER.left, PREFETCH_AHEAD)));
  const registers = REGISTERS[set];
  for (let pair = 0; pair < columns / 2; pair += 1) {
    const right = 6 + (pair & 1);
    out.push(...broadcast(set, bits, 64, vector(right), columnAddress(pair >> 1, (pair & 1) * 8)));
    // Sums beyond the registers there are share them: the count of instructions is what matters here.
    out.push(...multiplyAdd(math, (FIRST_SUM + 2 * pair) % registers, 4, right));
    out.push(...multiplyAdd(math, (FIRST_SUM + 2 * pair + 1) % registers, 5, right));
  }
}

function quadStep(math: TileMath, { vectors, columns }: Tile, out: Asm[]): void {
  const set = math.set;
  for (let part = 0; part < vectors; part += 1) {
    out.push({ code: 'EVEX_Vbroadcastf32x4_zmm_k1z_m128', operands: [vector(4 + part), at(POINTER.left, 16 * part)] });
    out.push({
      code: 'EVEX_Vpermilps_zmm_k1z_zmm_zmmm512b32',
      operands: [vector(4 + part), vector(4 + part), vector(2)],
    });
  }
  const groups = Math.max(1, columns / 4);
  for (let group = 0; group < groups; group += 1) {
    out.push({ code: 'EVEX_Vbroadcastf32x4_zmm_k1z_m128', operands: [vector(7), columnAddress(group, 0)] });
    for (let part = 0; part < vectors; part += 1)
      out.push(
        ...arithmetic(set, 512, 'fma32', vector(FIRST_SUM + vectors * group + part), vector(4 + part), vector(7)),
      );
  }
}

/** Multiplications that repeat an element of memory over their lanes by themselves (EVEX). */
function repeatingMultiply({ set, format, dotProducts }: TileMath): 'fma32' | 'fma64' | 'dotBytes' | 'dotWords' | null {
  if (set !== 'avx512') return null;
  if (format === 'fp32') return 'fma32';
  if (format === 'fp64') return 'fma64';
  return dotProducts ? (format === 'int8' ? 'dotBytes' : 'dotWords') : null;
}

/** Where a kernel finds the right operand of a column. */
type ElementAddress = (column: number) => ReturnType<typeof at>;

/** Packed panels have a stream for each four columns; kernels without packing find the elements of a step side by side. */
function packedElements({ format }: TileMath, { unroll }: Tile): ElementAddress {
  const elementBytes = SUM_BITS[format] / 8;
  return (column) =>
    unroll === 1
      ? at(POINTER.right, column * elementBytes)
      : columnAddress(Math.floor(column / 4) % 6, (column % 4) * elementBytes);
}

/** One step of a `broadcast` or `embedded` tile. */
export function broadcastStep(math: TileMath, tile: Tile, out: Asm[], elementAt: ElementAddress): void {
  const { style, vectors, columns } = tile;
  const { set, bits, format } = math;
  const firstSum = REGISTERS[set] - vectors * columns;
  const firstLeft = Math.max(0, firstSum - 2 - vectors);
  const elementBits = format === 'fp64' ? 64 : 32;
  for (let part = 0; part < vectors; part += 1)
    out.push(load(set, bits, vector(firstLeft + part), at(POINTER.left, (part * bits) / 8)));
  // An element that is used only once is repeated by the multiplication itself.
  const repeating = vectors === 1 || style === 'embedded' ? repeatingMultiply(math) : null;
  for (let column = 0; column < columns; column += 1) {
    const sum = firstSum + column * vectors;
    if (repeating !== null) {
      const element = { ...elementAt(column), broadcast: true };
      for (let part = 0; part < vectors; part += 1)
        out.push(...arithmetic(set, bits, repeating, vector(sum + part), vector(firstLeft + part), element));
      continue;
    }
    const right = Math.max(0, firstSum - 2) + (column & 1);
    out.push(...broadcast(set, bits, elementBits, vector(right), elementAt(column)));
    for (let part = 0; part < vectors; part += 1) out.push(...multiplyAdd(math, sum + part, firstLeft + part, right));
  }
}

function dotStep(math: TileMath, { vectors, columns }: Tile, out: Asm[]): void {
  const { set, bits } = math;
  for (let row = 0; row < vectors; row += 1)
    out.push(load(set, bits, vector(row), at(row === 0 ? POINTER.left : POINTER.others[row]!)));
  for (let column = 0; column < columns; column += 1) {
    out.push(load(set, bits, vector(4 + column), at(column === 0 ? POINTER.right : POINTER.others[3 + column]!)));
    for (let row = 0; row < vectors; row += 1)
      out.push(...multiplyAdd(math, FIRST_SUM + 4 * column + row, row, 4 + column));
  }
}

function packedStep(math: TileMath, tile: Tile, out: Asm[]): void {
  broadcastStep(math, tile, out, packedElements(math, tile));
}

const STEPS = {
  broadcast: packedStep,
  embedded: packedStep,
  pairs: pairStep,
  quads: quadStep,
  dot: dotStep,
} as const;

/** The loop over the reduction: one step per element, or per vector of elements for `dot`. */
export function tileLoop(math: TileMath, tile: Tile): LoopCode {
  const steps = tile.unroll;
  return {
    key: `${tile.style} ${tile.vectors}x${tile.columns} ${math.set}${math.bits} ${math.format}${math.dotProducts ? ' dot' : ''} ${steps}`,
    steps,
    body: () => {
      const out: Asm[] = [];
      for (let step = 0; step < steps; step += 1) {
        STEPS[tile.style](math, tile, out);
        out.push(advance(POINTER.left, 64));
        if (tile.style !== 'dot') out.push(advance(POINTER.right, 16));
      }
      return out;
    },
  };
}

/** What follows the loop: results of one tile are put in order, added to what memory holds (`adds`) and stored. */
export function tileEnd(math: TileMath, tile: Tile, adds: boolean): LoopCode {
  const { set, bits, format } = math;
  return {
    key: `end of ${tileLoop(math, tile).key}${adds ? ' +=' : ''}`,
    steps: 1,
    body: () => {
      const out: Asm[] = [];
      const multiply = format === 'fp64' ? 'fma64' : format === 'fp32' ? 'fma32' : 'addWords32';
      const sum = (register: number): ReturnType<typeof vector> => vector(register % REGISTERS[set]);
      const write = (register: number, place: number): void => {
        const to = at(POINTER.result, (place % 8) * 64);
        if (adds) out.push(...arithmetic(set, bits, multiply, sum(register), vector(0), to));
        out.push(store(set, bits, to, sum(register)));
      };
      const shuffle = (to: number, a: number, b: number, width: 32 | 64): void => {
        const suffix = `${width}` as const;
        out.push(...arithmetic(set, bits, `unpackLow${suffix}`, sum(to), sum(a), sum(b)));
      };
      if (tile.style === 'pairs' && tile.columns > 1)
        for (let pair = 0; pair < tile.columns / 2; pair += 1) {
          const even = FIRST_SUM + 2 * pair;
          shuffle(6, even, even + 1, 32);
          shuffle(7, even, even + 1, 32);
          shuffle(even, 6, 7, 64);
          shuffle(even + 1, 6, 7, 64);
          write(even, 2 * pair);
          write(even + 1, 2 * pair + 1);
        }
      else if (tile.style === 'dot') {
        // Sums over lanes. Four rows are brought together first; fewer are halved one by one.
        const results = tile.vectors * tile.columns;
        const together = tile.vectors === 4 ? 4 : 1;
        for (let result = 0; result < results; result += together) {
          const shuffles = together === 4 ? 11 : 4;
          for (let round = 0; round < shuffles; round += 1) {
            shuffle(6 + (round & 1), FIRST_SUM + result, FIRST_SUM + result, 32);
            if (round < 7)
              out.push(...arithmetic(set, bits, 'add32', sum(FIRST_SUM + result), sum(FIRST_SUM + result), sum(6)));
          }
          write(FIRST_SUM + result, result);
        }
      } else for (let result = 0; result < tile.vectors * tile.columns; result += 1) write(FIRST_SUM + result, result);
      return out;
    },
  };
}
