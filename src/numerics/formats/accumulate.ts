import { ModelBug } from '../../errors.ts';
import { sumRoundedToOdd } from './exact-sum.ts';
import type { FloatFormat } from './float-format.ts';
import { createRounder } from './round-number.ts';
import type { Rounding } from './rounding.ts';

/**
 * How sums are kept: each addition is rounded once to `format`. Elements are summed in chunks from zero, then the sums of the
 * chunks; so long sums stay small next to what is added to them (Wang 2018, arXiv 1812.08011). A chunk as long
 * as the sum is plain accumulation.
 */
export interface Accumulator {
  readonly format: FloatFormat;
  readonly rounding: Rounding;
  readonly chunkElements: number;
}

/** A row, column or whole of a matrix: element i is `values[offset + i * stride]`. */
export interface Line {
  readonly values: Float32Array;
  readonly offset: number;
  readonly stride: number;
}

export function lineOf(values: Float32Array): Line {
  return { values, offset: 0, stride: 1 };
}

function checkedChunk({ chunkElements }: Accumulator): number {
  if (Number.isInteger(chunkElements) && chunkElements > 0) return chunkElements;
  throw new ModelBug(`a chunk of ${chunkElements} elements; it takes an integer of 1 or more`);
}

/** Sum of the first `count` elements. */
export type SumInChunks = (line: Line, count: number) => number;
/** Sum of the first `count` products; a product is exact until it is added, as in a fused multiply-add. */
export type DotInChunks = (left: Line, right: Line, count: number) => number;

export function createSum(accumulator: Accumulator): SumInChunks {
  const round = createRounder(accumulator.format, accumulator.rounding);
  const chunkElements = checkedChunk(accumulator);
  return ({ values, offset, stride }, count) => {
    let total = 0;
    for (let start = 0; start < count; start += chunkElements) {
      const end = Math.min(start + chunkElements, count);
      let partial = 0;
      for (let index = start; index < end; index++) {
        partial = round(sumRoundedToOdd(partial, values[offset + index * stride]!));
      }
      total = round(sumRoundedToOdd(total, partial));
    }
    return total;
  };
}

export function createDot(accumulator: Accumulator): DotInChunks {
  const round = createRounder(accumulator.format, accumulator.rounding);
  const chunkElements = checkedChunk(accumulator);
  return (left, right, count) => {
    let total = 0;
    for (let start = 0; start < count; start += chunkElements) {
      const end = Math.min(start + chunkElements, count);
      let partial = 0;
      for (let index = start; index < end; index++) {
        const product =
          left.values[left.offset + index * left.stride]! * right.values[right.offset + index * right.stride]!;
        // Nothing changes by adding zero, and many operands are.
        if (product !== 0) partial = round(sumRoundedToOdd(partial, product));
      }
      total = round(sumRoundedToOdd(total, partial));
    }
    return total;
  };
}
