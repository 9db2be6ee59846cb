import type { FloatFormat } from '../../src/numerics/formats/float-format.ts';

/**
 * Sums of tensor cores in whole numbers of any length, as Fasi et al. (2021) describe them: every term is written as a multiple of 2^-POINT, so
 * that aligning, cutting off and carrying are shifts and nothing is ever rounded by accident.
 */
const POINT = 400n;

/** Whole number m and exponent e with value = m 2^e. */
function exact(value: number): { readonly m: bigint; readonly e: number } {
  let [scaled, e] = [value, 0];
  for (; !Number.isInteger(scaled); e--) scaled *= 2;
  return { m: BigInt(scaled), e };
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);
/** Position of the highest bit. */
const top = (value: bigint): number => magnitude(value).toString(2).length - 1;

function fixed(value: number): bigint {
  const { m, e } = exact(value);
  return m << (POINT + BigInt(e));
}

/** Toward zero, to a multiple of 2^exponent. */
function cut(value: bigint, exponent: number): bigint {
  const bits = POINT + BigInt(exponent);
  const whole = (magnitude(value) >> bits) << bits;
  return value < 0n ? -whole : whole;
}

/** To the nearest multiple of 2^exponent, halves to the even one. */
function nearest(value: bigint, exponent: number): bigint {
  const unit = 1n << (POINT + BigInt(exponent));
  const [steps, rest] = [magnitude(value) / unit, magnitude(value) % unit];
  const up = 2n * rest > unit || (2n * rest === unit && steps % 2n === 1n);
  const rounded = (steps + (up ? 1n : 0n)) * unit;
  return value < 0n ? -rounded : rounded;
}

/** Exact where the value is one of float64. */
function toNumber(value: bigint): number {
  if (value === 0n) return 0;
  const last = top(value & -value);
  return Number(value >> BigInt(last)) * 2 ** (last - Number(POINT));
}

function exponentIn({ bias }: FloatFormat, value: number): number {
  return Math.max(1 - bias, top(fixed(value)) - Number(POINT));
}

export interface Adder {
  readonly operand: FloatFormat;
  readonly sum: FloatFormat;
  readonly productsPerBlock: number;
  /** Bits below the 23 fraction bits of the largest term. */
  readonly extraBits: number;
}

/** `sum` + the products of two rows, block by block. Values must be finite. */
export function blockSum(adder: Adder, left: readonly number[], right: readonly number[], addend: number): number {
  const { operand, sum: format, productsPerBlock, extraBits } = adder;
  let sum = addend;
  for (let start = 0; start < left.length; start += productsPerBlock) {
    const terms = sum === 0 ? [] : [{ value: fixed(sum), exponent: exponentIn(format, sum) }];
    for (let index = start; index < Math.min(left.length, start + productsPerBlock); index++) {
      const [a, b] = [left[index]!, right[index]!];
      if (a === 0 || b === 0) continue;
      terms.push({ value: (fixed(a) * fixed(b)) >> POINT, exponent: exponentIn(operand, a) + exponentIn(operand, b) });
    }
    if (terms.length === 0) continue;
    const lowest = Math.max(...terms.map(({ exponent }) => exponent)) - 23 - extraBits;
    const total = terms.reduce((all, { value }) => all + cut(value, lowest), 0n);
    if (total === 0n) {
      sum = 0;
      continue;
    }
    const last = Math.max(1 - format.bias, top(total) - Number(POINT)) - format.fractionBits;
    sum = toNumber(format.fractionBits === 23 ? cut(total, last) : nearest(total, last));
  }
  return sum;
}
