import { FLOAT_FORMATS, type FloatFormat } from './float-format.ts';
import { createRounder, exponentOf } from './round-number.ts';
import { NEAREST_EVEN, TOWARD_ZERO } from './rounding.ts';

/**
 * How a tensor core adds products up. Published (Fasi, Higham, Mikaitis and Pranesh, "Numerical behavior of NVIDIA tensor cores",
 * PeerJ Computer Science 7:e330, 2021, probes on V100, T4 and A100; Khattak and Mikaitis, "Accurate models of NVIDIA tensor cores",
 * arXiv 2512.07004, 2025, models that agree bit for bit with V100, A100, L40S and H100): products are exact; a few of them and the
 * addend are aligned to the largest exponent, what is shifted out is cut off, the sum is not normalised before its end and carries
 * what it needs to the left; subnormal numbers count in full. fp32 results are cut off, fp16 results are rounded to nearest.
 * Assumed: a product's exponent is the sum of its factors' exponents even where its significand is 2 or more, subnormal factors
 * have the exponent of the smallest normal number, longer sums go through the blocks in order, and a finite sum never becomes an
 * fp32 infinity.
 */
export interface TensorCore {
  readonly operand: FloatFormat;
  /** Products that are added at once to a sum. */
  readonly productsPerBlock: number;
  /** Bits kept below the 23 fraction bits of the largest term while terms are added. */
  readonly alignmentBits: number;
}

const { fp16, bf16, tf32, fp32 } = FLOAT_FORMATS;

/** By generation and operand format. */
export const TENSOR_CORES = {
  volta: { fp16: { operand: fp16, productsPerBlock: 4, alignmentBits: 0 } },
  turing: { fp16: { operand: fp16, productsPerBlock: 4, alignmentBits: 1 } },
  ampere: {
    fp16: { operand: fp16, productsPerBlock: 8, alignmentBits: 1 },
    bf16: { operand: bf16, productsPerBlock: 8, alignmentBits: 1 },
    tf32: { operand: tf32, productsPerBlock: 4, alignmentBits: 1 },
  },
  ada: {
    fp16: { operand: fp16, productsPerBlock: 8, alignmentBits: 1 },
    bf16: { operand: bf16, productsPerBlock: 8, alignmentBits: 1 },
    tf32: { operand: tf32, productsPerBlock: 4, alignmentBits: 1 },
  },
  hopper: {
    fp16: { operand: fp16, productsPerBlock: 16, alignmentBits: 2 },
    bf16: { operand: bf16, productsPerBlock: 16, alignmentBits: 2 },
    tf32: { operand: tf32, productsPerBlock: 8, alignmentBits: 2 },
  },
} as const satisfies Record<string, Record<string, TensorCore>>;

const ACCUMULATORS = {
  fp32: { format: fp32, round: createRounder(fp32, TOWARD_ZERO) },
  fp16: { format: fp16, round: createRounder(fp16, NEAREST_EVEN) },
};

/**
 * `addend` + the products of `left` and `right`, as a matrix instruction computes one element of its result. Both rows are equally
 * long and hold values of the core's operand format; the addend is a value of the accumulator's format.
 */
export function tensorCoreDot(
  core: TensorCore,
  left: readonly number[],
  right: readonly number[],
  addend: number,
  accumulator: keyof typeof ACCUMULATORS,
): number {
  const { format, round } = ACCUMULATORS[accumulator];
  let sum = addend;
  for (let start = 0; start < left.length; start += core.productsPerBlock) {
    const end = Math.min(start + core.productsPerBlock, left.length);
    const terms = [{ value: sum, exponent: exponentIn(format, sum) }];
    for (let index = start; index < end; index++) {
      const exponent = exponentIn(core.operand, left[index]!) + exponentIn(core.operand, right[index]!);
      terms.push({ value: left[index]! * right[index]!, exponent });
    }
    sum = round(alignedSum(terms, fp32.fractionBits + core.alignmentBits));
  }
  return sum;
}

interface Term {
  readonly value: number;
  readonly exponent: number;
}

/** Exact sum of terms cut off `fractionBits` below the largest exponent. Few terms of nearly equal weight: float64 holds it. */
function alignedSum(terms: readonly Term[], fractionBits: number): number {
  const present = terms.filter(({ value }) => value !== 0);
  if (present.length === 0 || !present.every(({ value }) => Number.isFinite(value)))
    return terms.reduce((sum, { value }) => sum + value, 0);
  const quantum = 2 ** (Math.max(...present.map(({ exponent }) => exponent)) - fractionBits);
  return present.reduce((sum, { value }) => sum + Math.trunc(value / quantum), 0) * quantum;
}

/** Exponent a value is stored with; that of the smallest normal number for subnormal ones. */
function exponentIn(format: FloatFormat, value: number): number {
  return Math.max(1 - format.bias, exponentOf(Math.abs(value)));
}
